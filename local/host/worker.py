"""The genuine Python worker library (``azure-functions-runtime``), driven in this process.

The library is what Azure's Python 3.13 worker loads; around it stands only its gRPC loop, which
this module replaces. Its registry, its thread pool and ``sys.modules['function_app']`` are global,
so a process runs one worker at a time.
"""

import asyncio
import sys
import threading
import uuid
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime
from azure_functions_runtime import handle_event
from azure_functions_runtime.utils.executor import invocation_id_cv

from local.host.errors import HostError
from local.host.protos import protos

MODULE = "function_app"


@dataclass
class WorkerRequest:
    """The shape in which the worker's gRPC loop hands a message to the library."""

    name: str
    request: SimpleNamespace
    properties: dict[str, Any] = field(default_factory=dict)


class Worker:
    """Indexes an app and runs its functions: sync ones in the library's thread pool, async ones on its loop."""

    def __init__(self, app_dir: Path) -> None:
        self._app_dir = str(app_dir)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="functions-worker", daemon=True)

    def start(self) -> list[Any]:
        """The RpcFunctionMetadata of every function. Raises ``HostError`` if the app cannot be indexed."""
        _forget_app()
        sys.path.insert(0, self._app_dir)
        self._thread.start()
        runtime.start_threadpool_executor()
        request = protos().WorkerInitRequest(host_version="4.0.0", function_app_directory=self._app_dir)
        result = self._await(runtime.worker_init_request(_request("worker_init_request", request))).result
        if result.status != protos().StatusResult.Success:
            raise HostError(f"{MODULE}.py cannot be indexed: {result.exception.message}\n{result.exception.stack_trace}")
        functions = self._metadata()
        if not functions:
            raise HostError(f"{self._app_dir} has no functions: register every blueprint in {MODULE}.py.")
        return functions

    def invoke(self, function_id: str, input_data: Mapping[str, Any], trigger_metadata: Mapping[str, Any],
               invocation_id: str, timeout_seconds: float) -> Any:
        """The InvocationResponse of one call. Raises ``TimeoutError`` after ``timeout_seconds``."""
        request = protos().InvocationRequest(
            invocation_id=invocation_id, function_id=function_id,
            input_data=[protos().ParameterBinding(name=name, data=data) for name, data in input_data.items()],
            trigger_metadata=dict(trigger_metadata),
            trace_context=protos().RpcTraceContext(trace_parent=f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01"),
            retry_context=protos().RetryContext(),
        )
        return self._await(_invoke(request), timeout_seconds)

    def stop(self) -> None:
        """Waits for running functions, then forgets the app."""
        runtime.stop_threadpool_executor()
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()
        if self._app_dir in sys.path:
            sys.path.remove(self._app_dir)
        _forget_app()

    def _metadata(self) -> list[Any]:
        request = _request("functions_metadata_request", protos().FunctionsMetadataRequest())
        functions = list(self._await(runtime.functions_metadata_request(request)).function_metadata_results)
        for metadata in functions:
            load = protos().FunctionLoadRequest(function_id=metadata.function_id, metadata=metadata)
            self._await(runtime.function_load_request(_request("function_load_request", load)))
        return functions

    def _await(self, coroutine: Coroutine[Any, Any, Any], timeout_seconds: float | None = None) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout_seconds)


async def _invoke(request: Any) -> Any:
    # The library sets this for sync functions; async ones run in this task, and log lines need it too.
    invocation_id_cv.set(request.invocation_id)
    return await runtime.invocation_request(_request("invocation_request", request))


def _request(name: str, message: Any) -> WorkerRequest:
    return WorkerRequest(name, SimpleNamespace(**{name: message}), {"protos": protos(), "host": "127.0.0.1"})


def _forget_app() -> None:
    """The library imports ``function_app`` by name and adds to its registry: drop what an earlier app left."""
    sys.modules.pop(MODULE, None)
    handle_event._functions._functions.clear()
    handle_event._metadata_result = None
