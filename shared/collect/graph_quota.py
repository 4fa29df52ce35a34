"""Resource Graph's quota, spent as it tells: 15 queries in 5 seconds for one user.

Every answer says how many queries are left and when the count starts anew; at none left the next query
waits instead of being refused. Source: "Guidance for throttled requests in Azure Resource Graph".
"""

import re
import threading
import time
from collections.abc import Callable, Mapping

from shared.errors import Throttled

REMAINING, RESETS_AFTER = "x-ms-user-quota-remaining", "x-ms-user-quota-resets-after"
_CLOCK = re.compile(r"(\d+):(\d+):(\d+(?:\.\d+)?)")


class GraphQuota:
    """Shared by all queries of a process; safe from any thread."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._free_at = 0.0

    def wait(self, longest_seconds: float) -> None:
        """Until a query may be sent. Raises ``Throttled`` if that is more than ``longest_seconds`` away."""
        with self._lock:
            seconds = self._free_at - self._monotonic()
        if seconds > longest_seconds:
            raise Throttled(f"Azure Resource Graph takes no more queries for {seconds:.0f} s; ask again then.", seconds)
        if seconds > 0:
            self._sleep(seconds)

    def note(self, headers: Mapping[str, str]) -> None:
        """What an answer's headers say is left."""
        if headers.get(REMAINING, "").strip() == "0":
            with self._lock:
                self._free_at = max(self._free_at, self._monotonic() + _seconds(headers.get(RESETS_AFTER, "")))


def _seconds(clock: str) -> float:
    """``00:00:05`` as seconds; what cannot be read counts as the whole period of 5 s."""
    match = _CLOCK.fullmatch(clock.strip())
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3]) if match else 5.0
