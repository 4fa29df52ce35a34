"""What stops the local host."""


class HostError(Exception):
    """The app cannot be run as it stands; the text says what to change."""
