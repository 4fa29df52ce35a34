"""Runs one function: input to the worker, outputs to their queues, the result on record."""

import json
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import AzureError

from local.host.config import HostJson
from local.host.functions import Binding, Function
from local.host.log import Invocation, LogCapture
from local.host.protos import protos
from local.host.storage import Storage
from local.host.worker import Worker

RETURN = "$return"


class Dispatcher:
    """What every trigger calls. Knows how many functions run, so that ``Host.drain`` can wait for none."""

    def __init__(self, worker: Worker, host_json: HostJson, storage: Storage, log: LogCapture) -> None:
        self.intake = threading.Lock()
        """Held while messages move from a queue into work: with it, nothing is in neither place."""
        self.settled = threading.Condition()
        """Told whenever an invocation ends: it may have put messages into queues."""
        self.running = 0
        self.invocations: list[Invocation] = []
        self._worker = worker
        self._timeout_seconds = host_json.timeout_seconds
        self._storage = storage
        self._log = log

    def begin(self, count: int = 1) -> None:
        """Counts work as running, before it can be seen nowhere else."""
        with self.settled:
            self.running += count

    def end(self) -> None:
        with self.settled:
            self.running -= 1
            self.settled.notify_all()

    @contextmanager
    def busy(self) -> Iterator[None]:
        with self.intake:
            self.begin()
        try:
            yield
        finally:
            self.end()

    def run(self, function: Function, data: Any, trigger_metadata: Mapping[str, Any] | None = None) -> Invocation:
        """One invocation with ``data`` (TypedData) for the trigger. Never raises for the function's own fault."""
        invocation_id = str(uuid.uuid4())
        self._log.begin(invocation_id, function.name)
        started_at, started = datetime.now(UTC), time.monotonic()
        error, stack_trace, response = self._call(function, data, trigger_metadata or {}, invocation_id)
        if not error:
            error = self._write_outputs(function, response)
        invocation = Invocation(
            invocation_id, function.name, started_at, time.monotonic() - started, error, stack_trace,
            response.return_value.http if response is not None else None,
        )
        if error:
            self._log.failed(invocation)
        self.invocations.append(invocation)
        return invocation

    def _call(self, function: Function, data: Any, trigger_metadata: Mapping[str, Any],
              invocation_id: str) -> tuple[str, str, Any]:
        """(error, stack trace, InvocationResponse or None); the error is empty for a success."""
        inputs = {function.trigger.name: data}
        try:
            response = self._worker.invoke(function.id, inputs, trigger_metadata, invocation_id, self._timeout_seconds)
        except TimeoutError:
            return f"Timeout value of {self._timeout_seconds:.0f} s exceeded by function {function.name}.", "", None
        if response.result.status == protos().StatusResult.Success:
            return "", "", response
        return response.result.exception.message, response.result.exception.stack_trace, response

    def _write_outputs(self, function: Function, response: Any) -> str:
        """Sends what the function put into its queue outputs; the error, or nothing."""
        values = {output.name: output.data for output in response.output_data} | {RETURN: response.return_value}
        try:
            for binding in function.outputs:
                if binding.type == "queue" and binding.name in values:
                    self._send(binding, values[binding.name])
        except AzureError as error:
            return f"{type(error).__name__}: {error}"
        return ""

    def _send(self, binding: Binding, data: Any) -> None:
        for text in messages(data):
            self._storage.send(self._storage.queue_of(binding), text)


def messages(data: Any) -> list[str]:
    """The queue messages in a TypedData: text and bytes are one, a JSON array is one for each element."""
    match data.WhichOneof("data"):
        case "string":
            return [data.string]
        case "bytes":
            return [data.bytes.decode()]
        case "json":
            content = json.loads(data.json)
            return [part if isinstance(part, str) else json.dumps(part) for part in (content if isinstance(content, list) else [content])]
        case _:
            return []
