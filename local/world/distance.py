"""How far apart regions are, and what that leaves of a connection's throughput.

Round trips are medians, rounded, from "Azure network round-trip latency statistics".
"""

MILLISECOND = 1e-3
UNLISTED_MS = 200.0
ROUND_TRIP_MS = {
    frozenset(pair): milliseconds for pair, milliseconds in (
        (("westeurope", "northeurope"), 18), (("westeurope", "swedencentral"), 24), (("westeurope", "eastus"), 84),
        (("westeurope", "westus2"), 140), (("westeurope", "southeastasia"), 160), (("westeurope", "brazilsouth"), 190),
        (("westeurope", "japaneast"), 235), (("westeurope", "australiaeast"), 245), (("northeurope", "eastus"), 72),
        (("northeurope", "australiaeast"), 255), (("eastus", "westus2"), 66), (("eastus", "brazilsouth"), 117),
        (("eastus", "southeastasia"), 220), (("eastus", "japaneast"), 160), (("eastus", "australiaeast"), 200),
        (("southeastasia", "australiaeast"), 94), (("southeastasia", "japaneast"), 70), (("westus2", "brazilsouth"), 180),
    )
}

LAYERS_AT_A_TIME = 3
"""containerd's default; AKS sets no other."""
NEAR_BYTES_PER_SECOND = 40e6
"""One connection to a registry in the same region."""
IN_FLIGHT_BYTES = float(1 << 20)
"""What one connection has under way on average, slow start and losses included: a sender waits a
round trip for each window it has sent."""
GREETING_ROUND_TRIPS = 8
"""Before the first layer: DNS, TCP and TLS, token, manifest, redirect to the blob storage."""


def round_trip_seconds(one: str, other: str) -> float:
    """Between two regions, by their Azure names; none worth counting within one."""
    if one == other:
        return 0.0
    return ROUND_TRIP_MS.get(frozenset((one, other)), UNLISTED_MS) * MILLISECOND


def nearest(region: str, candidates: tuple[str, ...]) -> str:
    """The replica that the registry's global endpoint sends ``region`` to."""
    return min(candidates, key=lambda candidate: round_trip_seconds(region, candidate))


def pull_bytes_per_second(round_trip: float, layers: int) -> float:
    """Throughput of one pull: so many layers at a time, a connection each."""
    connection = min(NEAR_BYTES_PER_SECOND, IN_FLIGHT_BYTES / round_trip) if round_trip else NEAR_BYTES_PER_SECOND
    return connection * min(layers, LAYERS_AT_A_TIME)
