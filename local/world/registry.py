"""A container registry: its request limit and its distance."""

from dataclasses import dataclass, field
from random import Random

from local.world.distance import GREETING_ROUND_TRIPS, pull_bytes_per_second

JOIN_REQUESTS = 3
"""Token and manifest: what a pull asks that finds its layers on the node or on their way there."""
READS_PER_MINUTE = {"Basic": 5_000, "Standard": 5_000, "Premium": 10_000}
"""DataplaneRead per identity and registry, since June 2026; all kubelets of a cluster share one
identity ("Azure Container Registry SKU features and limits")."""
HUB_PULLS, HUB_HOURS = 100, 6
"""Docker Hub's limit for anonymous pulls from one public address: all nodes share the cluster's."""


@dataclass(slots=True)
class Registry:
    """``reads_per_minute`` None: no limit that matters. A bucket holds one minute's requests."""

    host: str
    reads_per_minute: float | None = None
    round_trip_seconds: float = 0.0
    """To where the layers lie; 0: as near as it gets."""
    requests_left: float = field(init=False)
    asked_at: float = 0.0
    closed_until: float = 0.0

    def __post_init__(self) -> None:
        self.requests_left = self.reads_per_minute or 0.0

    @property
    def greeting_seconds(self) -> float:
        return GREETING_ROUND_TRIPS * self.round_trip_seconds

    def bytes_per_second(self, layers: int) -> float:
        """Throughput of one pull."""
        return pull_bytes_per_second(self.round_trip_seconds, layers)

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


@dataclass(slots=True)
class DockerHub(Registry):
    """Counts pulls over hours, not requests over a minute: whoever has used them up waits for hours."""

    pulls: list[float] = field(default_factory=list)

    def admits(self, now: float, requests: int, rng: Random) -> bool:  # noqa: ARG002  # chance has no part in it
        if requests == JOIN_REQUESTS:
            return True  # the manifest is asked for by HEAD, which is not counted
        self.pulls = [at for at in self.pulls if now - at < HUB_HOURS * 3600]
        if len(self.pulls) >= HUB_PULLS:
            return False
        self.pulls.append(now)
        return True
