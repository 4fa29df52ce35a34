"""How it reaches them: one module a receiver, one safe way to post, one judge of the answers."""
