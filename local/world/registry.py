"""A container registry: its request limit, its throughput per pull, its distance."""

from dataclasses import dataclass, field
from random import Random

CONNECTION_BYTES_PER_SECOND = 120e6
"""One pull (three layers at a time) from a registry in the same region."""
JOIN_REQUESTS = 3
"""Token and manifest: what a pull asks that finds its layers on the node or on their way there."""
READS_PER_MINUTE = {"Basic": 5_000, "Standard": 5_000, "Premium": 10_000}
"""DataplaneRead per identity and registry, since June 2026; all kubelets of a cluster share one
identity ("Azure Container Registry SKU features and limits")."""


@dataclass(slots=True)
class Registry:
    """``reads_per_minute`` None: no limit that matters. A bucket holds one minute's requests."""

    host: str
    reads_per_minute: float | None = None
    bytes_per_second: float = CONNECTION_BYTES_PER_SECOND
    """Throughput of one pull; below ``CONNECTION_BYTES_PER_SECOND`` the registry is far away."""
    requests_left: float = field(init=False)
    asked_at: float = 0.0
    closed_until: float = 0.0

    def __post_init__(self) -> None:
        self.requests_left = self.reads_per_minute or 0.0

    def admits(self, now: float, requests: int, rng: Random) -> bool:
        """Whether all ``requests`` pass. False is a 429, then for 20 to 60 s more ("up to a full minute")."""
        if self.reads_per_minute is None:
            return True
        earned = (now - self.asked_at) * self.reads_per_minute / 60
        self.requests_left = min(self.reads_per_minute, self.requests_left + earned)
        self.asked_at = now
        if now < self.closed_until:
            return False
        if self.requests_left < requests:
            self.requests_left = 0.0
            self.closed_until = now + rng.uniform(20, 60)
            return False
        self.requests_left -= requests
        return True
