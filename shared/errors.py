"""What can go wrong, sorted by what the caller can do about it.

    PullwatchError
    ├── Misconfigured   a setting is missing or wrong: a person must change it
    ├── Throttled       ask again, not before ``retry_after_seconds``
    ├── Transient       ask again later
    │   └── Unanswered  ask again, but not often: the request may have been carried out
    └── Permanent       asking again gives the same answer
        └── NotWatched  what it is about is gone, or none of ours: forget it

Messages are one sentence that says what to do, and never hold a secret.
"""


class PullwatchError(Exception):
    """Base of all errors that Pullwatch raises on purpose."""


class Misconfigured(PullwatchError):
    """A setting is missing or wrong."""


class Throttled(PullwatchError):
    """The other side asked us to slow down (429, 503 with Retry-After)."""

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Transient(PullwatchError):
    """A time-out, a dropped connection, a server's fault: likely to pass."""


class Unanswered(Transient):
    """The request was taken and no answer came: it may have been carried out."""


class Permanent(PullwatchError):
    """The request itself is refused."""


class NotWatched(Permanent):
    """The cluster or node pool is not in the fleet: it was deleted, or the settings leave it out."""
