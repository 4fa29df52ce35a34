"""What people read: a channel-neutral message, and its plain text."""
