"""What functions logged and how their invocations ended, for tests and the demo to read."""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime

from azure_functions_runtime.utils.executor import invocation_id_cv

HOST_LOGGERS = ("azure", "urllib3")
"""Quiet below WARNING outside invocations: there they speak of the host's own polling."""
WORKER_LOGGER = "azure.functions"
HOST_LOGGER = "Host.Results"


@dataclass(frozen=True)
class LogLine:
    """One line as Application Insights would have it."""

    at: datetime
    level: str
    function: str
    """Empty for lines logged outside an invocation, as from threads a function started."""
    logger: str
    message: str
    """With the stack trace of the exception, where one was logged."""
    invocation_id: str


@dataclass(frozen=True)
class Invocation:
    """One run of one function, and what it gave."""

    id: str
    function: str
    started_at: datetime
    seconds: float
    error: str = ""
    """``ValueError: …`` as Azure records it; empty when it succeeded."""
    stack_trace: str = field(default="", repr=False)
    response: object = field(default=None, repr=False)
    """The RpcHttp of an HTTP function."""

    @property
    def succeeded(self) -> bool:
        return not self.error


class LogCapture(logging.Handler):
    """Collects from INFO on, as the worker does, and knows which function a line belongs to."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[LogLine] = []
        self._functions: dict[str, str] = {}
        self._root_level = logging.WARNING

    def install(self) -> None:
        root = logging.getLogger()
        self._root_level = root.level
        root.setLevel(min(root.level or logging.INFO, logging.INFO))
        root.addHandler(self)

    def remove(self) -> None:
        logging.getLogger().removeHandler(self)
        logging.getLogger().setLevel(self._root_level)

    def begin(self, invocation_id: str, function: str) -> None:
        self._functions[invocation_id] = function

    def failed(self, invocation: Invocation) -> None:
        """Azure's host records a failure with its stack trace; so does this one."""
        message = f"Executed 'Functions.{invocation.function}' (Failed, Id={invocation.id})\n{invocation.error}\n{invocation.stack_trace}"
        self.lines.append(LogLine(datetime.now(UTC), "ERROR", invocation.function, HOST_LOGGER, message, invocation.id))

    def emit(self, record: logging.LogRecord) -> None:
        invocation_id = invocation_id_cv.get() or ""
        if record.levelno < logging.WARNING and _is_host_chatter(record.name, invocation_id):
            return
        self.lines.append(LogLine(
            datetime.fromtimestamp(record.created, UTC), record.levelname, self._functions.get(invocation_id, ""),
            record.name, self.format(record), invocation_id,
        ))


def _is_host_chatter(logger: str, invocation_id: str) -> bool:
    return logger == WORKER_LOGGER or (not invocation_id and logger.split(".", 1)[0] in HOST_LOGGERS)
