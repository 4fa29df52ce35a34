"""Timer triggers: NCRONTAB schedules in UTC, one occurrence at a time."""

import json
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from local.host.dispatch import Dispatcher
from local.host.errors import HostError
from local.host.functions import Function
from local.host.log import Invocation
from local.host.ncrontab import BadSchedule, parse
from local.host.protos import protos

TICK_SECONDS = 0.1
"""How often the clock is looked at: it may be one that runs faster than ours."""


class Timer:
    """One timer-triggered function, kept by a thread of its own. A late occurrence is not made up for."""

    def __init__(self, function: Function, dispatcher: Dispatcher, clock: Callable[[], datetime]) -> None:
        self.function = function
        self._dispatcher = dispatcher
        self._clock = clock
        self._last: datetime | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"timer-{function.name}", daemon=True)
        try:
            self.schedule = parse(function.trigger.properties["schedule"])
            self.schedule.next_after(clock())
        except BadSchedule as error:
            raise HostError(f"{function.name} cannot be indexed: {error}") from None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def run(self, past_due: bool = False) -> Invocation:
        """One run, now."""
        with self._dispatcher.busy():
            now = self._clock()
            status = self._status(now, past_due)
            self._last = now
            return self._dispatcher.run(self.function, status)

    def _keep(self) -> None:
        if self.function.trigger.properties.get("runOnStartup"):
            self.run()
        due = self.schedule.next_after(self._clock())
        while not self._stop.wait(TICK_SECONDS):
            if self._clock() >= due:
                self.run()
                due = self.schedule.next_after(self._clock())

    def _status(self, now: datetime, past_due: bool) -> Any:
        """What the host tells a timer function; ``Last`` is .NET's DateTime.MinValue on the first run."""
        last = self._last.isoformat() if self._last else "0001-01-01T00:00:00+00:00"
        return protos().TypedData(json=json.dumps({
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": {"Last": last, "LastUpdated": last, "Next": self.schedule.next_after(now).isoformat()},
            "IsPastDue": past_due,
        }))
