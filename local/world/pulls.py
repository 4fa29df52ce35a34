"""Images, pods and their pulls: what the kubelet is asked for, and what became of it."""

from dataclasses import dataclass, field

import msgspec

from local.world.distance import pull_bytes_per_second

UNPACK_BYTES_PER_CPU_SECOND = 120e6
"""gunzip and untar of ordinary layers on one core, counted in unpacked bytes."""
REQUESTS_BESIDE_LAYERS = 5
"""Token exchange and refresh, index, manifest, config."""


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """What a pull has to move. ``write_operations`` grows with the number of files."""

    registry: str
    repository: str
    tag: str
    compressed_bytes: float
    unpacked_bytes: float
    write_operations: float
    layers: int
    unpack_bytes_per_second: float = UNPACK_BYTES_PER_CPU_SECOND
    """On one core; a fraction of the ordinary for strong compression or for millions of tiny files."""
    revision: int = 0
    """What the tag stood for when it was pushed again under the same name."""

    @property
    def reference(self) -> str:
        return f"{self.registry}/{self.repository}:{self.tag}"

    @property
    def requests(self) -> int:
        return self.layers + REQUESTS_BESIDE_LAYERS

    @property
    def needs(self) -> dict[str, float]:
        """Of each kind of resource, for the whole image: layers are stored compressed, then unpacked."""
        return {
            "operations": self.write_operations,
            "bytes": self.compressed_bytes + self.unpacked_bytes,
            "network": self.compressed_bytes,
            "egress": self.compressed_bytes,
            "cpu": self.unpacked_bytes / self.unpack_bytes_per_second,
        }

    @property
    def unhindered_seconds(self) -> float:
        """What its size alone takes: ordinary unpacking on one core, a registry in the same region, nothing in the way."""
        download = self.compressed_bytes / pull_bytes_per_second(0.0, self.layers)
        return max(self.unpacked_bytes / UNPACK_BYTES_PER_CPU_SECOND, download)


class Pod(msgspec.Struct, frozen=True, kw_only=True):
    """A pod bound to a node at ``at`` (seconds from the start of the world); its images come in turn."""

    name: str
    namespace: str
    controller: str
    controller_kind: str
    node: str
    at: float
    images: tuple[Image, ...]
    always_pull: bool = False


@dataclass(slots=True)
class Attempt:
    asked_at: float
    """When the kubelet says ``Pulling``."""
    started_at: float | None = None
    """When it leaves the kubelet's queue."""
    ended_at: float | None = None
    error: str = ""
    """``429``, ``qps`` or ``timeout``; empty: it worked, or still runs."""


@dataclass(slots=True)
class Pull:
    """One container's way to its image, over all attempts."""

    pod: Pod
    image: Image
    asked_at: float
    attempts: list[Attempt] = field(default_factory=list)
    finished_at: float | None = None
    last_seen_at: float = 0.0
    """When an unfinished pull was given up with its node, or the world ended."""
    present: bool = False
    """The image was on the node already: nothing was pulled."""
    again: bool = False
    """The node had this image before and fetches it once more: without ``Always``, or with more room, it need not."""
    lost: dict[str, float] = field(default_factory=dict)
    """Cause → seconds beyond the unhindered pull."""

    @property
    def elapsed(self) -> float:
        return (self.last_seen_at if self.finished_at is None else self.finished_at) - self.asked_at

    def lose(self, cause: str, seconds: float) -> None:
        if seconds > 0:
            self.lost[cause] = self.lost.get(cause, 0.0) + seconds

    def lose_all(self, losses: dict[str, float]) -> None:
        for cause, seconds in losses.items():
            self.lose(cause, seconds)
