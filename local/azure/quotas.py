"""Azure's published request quotas, and the headers that tell what is left of them.

Resource Manager: reads per subscription and principal, a bucket of 250 refilled with 25 a second, and a
subscription-wide one fifteen times that ("Understand how Azure Resource Manager throttles requests").
Resource Graph: 15 queries in 5 seconds per user ("Guidance for throttled requests in Azure Resource Graph").
Log Analytics: 200 queries in 30 seconds per user ("Query limits in Azure Monitor Logs").
"""

import threading
import time
from collections.abc import Callable

import msgspec


class Quota(msgspec.Struct, frozen=True):
    size: int
    refill_per_second: float


ARM_READS = Quota(250, 25)
QUOTAS = {
    "graph": Quota(15, 3),
    "logs": Quota(200, 200 / 30),
    "skus": ARM_READS,
    "scale_sets": ARM_READS,
    "disks": ARM_READS,
    "registries": ARM_READS,
    "subscriptions": ARM_READS,
    "resources": ARM_READS,
    "metrics_arm": ARM_READS,
}


class Quotas:
    """Token buckets: ARM's kinds share one, the others have their own."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def spend(self, kind: str) -> float:
        """Takes one request of ``kind`` and returns what is left; below zero the quota is overdrawn."""
        quota = QUOTAS.get(kind)
        if quota is None:
            return 0
        bucket = "arm" if quota is ARM_READS else kind
        now = self._monotonic()
        with self._lock:
            level, at = self._buckets.get(bucket, (quota.size, now))
            left = min(quota.size, level + (now - at) * quota.refill_per_second) - 1
            self._buckets[bucket] = (max(left, 0), now)
        return left


def quota_headers(kind: str, left: float) -> dict[str, str]:
    """The headers a service of this kind sends along with every answer."""
    remaining = str(max(0, int(left)))
    if kind == "graph":
        return {"x-ms-user-quota-remaining": remaining, "x-ms-user-quota-resets-after": "00:00:05"}
    if QUOTAS.get(kind) is ARM_READS:
        headers = {
            "x-ms-ratelimit-remaining-subscription-reads": remaining,
            "x-ms-ratelimit-remaining-subscription-global-reads": str(3_500 + int(remaining)),
        }
        if kind in ("skus", "scale_sets", "disks"):
            headers["x-ms-ratelimit-remaining-resource"] = "Microsoft.Compute/HighCostGetSubscriptionMaximum;897"
        return headers
    return {}
