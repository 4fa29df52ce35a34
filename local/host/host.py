"""The local Functions host: everything together, over one app."""

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from local.host import config, event_grid
from local.host.dispatch import Dispatcher
from local.host.errors import HostError
from local.host.functions import Function, from_metadata
from local.host.http import LOCAL_KEY, Answer, Request, Routes, Server
from local.host.log import Invocation, LogCapture, LogLine
from local.host.protos import protos
from local.host.queues import QueueListener
from local.host.storage import Storage
from local.host.timers import Timer
from local.host.worker import Worker

DRAIN_TICK_SECONDS = 0.05
_one_at_a_time = threading.Lock()


def utc_now() -> datetime:
    return datetime.now(UTC)


class Host:
    """Runs the function app in ``app_dir`` while the ``with`` block lasts.

    ``settings`` are the app's settings: environment variables, put back afterwards. ``timers=False``
    keeps timer functions still, to be run by ``run_timer``. ``port=0`` takes any free port; ``url``
    tells which. One host at a time in a process: the worker library keeps one registry.

    Raises ``HostError`` on entry if the app cannot be indexed, has no functions, or needs a setting
    that is missing.
    """

    def __init__(self, app_dir: Path, settings: Mapping[str, str], *, port: int = 0, timers: bool = True,
                 clock: Callable[[], datetime] = utc_now) -> None:
        self._app_dir = app_dir.resolve()
        self._settings = dict(settings)
        self._port = port
        self._keep_timers = timers
        self._clock = clock
        self._stops: list[Callable[[], object]] = []
        self.functions: dict[str, Function] = {}
        self.url = ""

    def __enter__(self) -> Self:
        if not _one_at_a_time.acquire(blocking=False):
            raise HostError("Another local host runs in this process: leave its `with` block first.")
        self._stops.append(_one_at_a_time.release)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Takes no more work, waits for what runs, and leaves the process as it was."""
        while self._stops:
            self._stops.pop()()

    # --- what tests and the demo do with it ---------------------------------------------------

    @property
    def log(self) -> list[LogLine]:
        """What the functions logged so far, from INFO on."""
        return list(self._capture.lines)

    @property
    def invocations(self) -> list[Invocation]:
        """Every run that ended so far, in that order."""
        return list(self._dispatcher.invocations)

    def invoke(self, name: str, payload: Any, dequeue_count: int = 1) -> Invocation:
        """Runs a queue or Event Grid function once, with text or a JSON value, past its queue or endpoint."""
        function = self._function(name, "queueTrigger", "eventGridTrigger")
        text = payload if isinstance(payload, str) else json.dumps(payload)
        with self._dispatcher.busy():
            if function.trigger.type == "eventGridTrigger":
                return self._dispatcher.run(function, protos().TypedData(json=text))
            metadata = {"DequeueCount": protos().TypedData(json=str(dequeue_count))}
            return self._dispatcher.run(function, protos().TypedData(string=text), metadata)

    def run_timer(self, name: str, past_due: bool = False) -> Invocation:
        """Runs a timer function now, whatever its schedule."""
        return self._timers[self._function(name, "timerTrigger").name].run(past_due)

    def enqueue(self, queue: str, payload: Any) -> None:
        """Puts text or a JSON value into a queue of the app's storage, encoded as host.json says.

        With an event it is what Event Grid's storage queue delivery does: one event, base64 JSON.
        """
        text = payload if isinstance(payload, str) else json.dumps(payload)
        self._storage.send(self._storage.client(queue), text)

    def event_grid_url(self, function: str) -> str:
        """Where Event Grid would post the events of ``function``; holds the key."""
        name = self._function(function, "eventGridTrigger").name
        return f"{self.url}{event_grid.PATH}?functionName={name}&code={LOCAL_KEY}"

    def drain(self, timeout_seconds: float = 30.0, delayed_seconds: float = 0.0) -> int:
        """Waits until nothing runs and no trigger queue holds a message that could be taken.

        Messages with a delay (retries, scheduled work) are waited for up to ``delayed_seconds``;
        returns how many are still delayed. Raises ``TimeoutError`` naming what did not finish.
        """
        start = time.monotonic()
        while True:
            busy, delayed = self._unfinished()
            waited = time.monotonic() - start
            if not busy and (not delayed or waited >= delayed_seconds):
                return delayed
            if busy and waited >= timeout_seconds + delayed_seconds:
                raise TimeoutError(f"After {waited:.0f} s there still is work: {', '.join(busy)}.")
            time.sleep(DRAIN_TICK_SECONDS)

    # --- how it is put together ---------------------------------------------------------------

    def _start(self) -> None:
        host_json = config.load(self._app_dir)
        self._stops.append(_set_environment(self._settings))
        self._capture = LogCapture()
        self._stops.append(self._capture.remove)
        self._capture.install()
        worker = Worker(self._app_dir)
        self._stops.append(worker.stop)
        self.functions = {metadata.name: from_metadata(metadata, os.environ) for metadata in worker.start()}
        self._storage = Storage(os.environ, host_json.extensions.queues)
        self._stops.append(self._storage.close)
        self._dispatcher = Dispatcher(worker, host_json, self._storage, self._capture)
        self._listeners = [QueueListener(f, self._dispatcher, self._storage, host_json) for f in self._triggered("queueTrigger").values()]
        self._timers = {name: Timer(f, self._dispatcher, self._clock) for name, f in self._triggered("timerTrigger").items()}
        self._serve(host_json)

    def _serve(self, host_json: config.HostJson) -> None:
        webhook = event_grid.Webhook(self._triggered("eventGridTrigger"), self._dispatcher)
        routes = Routes(self._triggered("httpTrigger"), host_json.extensions.http.route_prefix, self._dispatcher)

        def answer(request: Request) -> Answer:
            return webhook.answer(request) if event_grid.serves(request) else routes.answer(request)

        server = Server(answer, self._port)
        self.url = server.url
        for part in (*self._listeners, *(self._timers.values() if self._keep_timers else ()), server):
            self._stops.append(part.stop)
            part.start()

    def _triggered(self, kind: str) -> dict[str, Function]:
        return {name: function for name, function in self.functions.items() if function.trigger.type == kind}

    def _function(self, name: str, *kinds: str) -> Function:
        function = self.functions.get(name)
        if function is None or function.trigger.type not in kinds:
            known = [n for kind in kinds for n in self._triggered(kind)]
            raise HostError(f"The app has no {' or '.join(kinds)} function {name!r}; it has {', '.join(known) or 'none'}.")
        return function

    def _unfinished(self) -> tuple[list[str], int]:
        """(what runs or could be taken now, number of delayed messages), at one moment.

        The intake lock makes it one moment: no message is on its way from a queue into work.
        """
        with self._dispatcher.intake:
            running = self._dispatcher.running
            busy = [f"{running} running"] if running else []
            busy += [f"messages in {listener.queue_name}" for listener in self._listeners if listener.visible()]
            return busy, 0 if busy else sum(listener.waiting() for listener in self._listeners)


def _set_environment(settings: Mapping[str, str]) -> Callable[[], None]:
    """Puts the settings into the environment; returns what puts the old one back."""
    before = dict(os.environ)
    os.environ.update(settings)

    def restore() -> None:
        os.environ.clear()
        os.environ.update(before)

    return restore
