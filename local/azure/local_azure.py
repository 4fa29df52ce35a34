"""The local Azure: a world served through Azure's own interfaces on the loopback interface."""

import ssl
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import msgspec
import trustme

from local.azure.arm import not_found
from local.azure.faults import Counts, Fault, Faults
from local.azure.http import Answer, RefusedError, Request, arm_error, logs_error, read_json
from local.azure.quotas import Quotas, quota_headers
from local.azure.routes import Route, find_route
from local.azure.served import Served, View
from local.azure.server import LoopbackServer
from local.azure.tokens import Tokens
from local.world.types import World

IDENTITY_PATH = "/msi/token"
CONTROL_PATH = "/_local/"

THROTTLED = {
    "logs": ("ThrottledError", "The request had to be throttled: too many queries. Please retry later."),
    "graph": (
        "RateLimiting",
        "Client application has been throttled and should not attempt to repeat the request until an amount of time "
        "has elapsed.",
    ),
}
THROTTLED_BY_ARM = ("TooManyRequests", "The request is being throttled as the limit has been reached.")
DENIED = ("AuthorizationFailed", "The client does not have authorization to perform this action, or the scope is invalid.")
DENIED_BY_LOGS = ("InsufficientAccessError", "The provided credentials have insufficient access to perform the requested operation")
BROKEN = ("InternalServerError", "The server encountered an internal error. Please retry the request.")


def _now() -> datetime:
    return datetime.now(UTC)


class LocalAzure:
    """Serves ``world`` from ``__enter__`` to ``__exit__``.

    ``clock`` says what time it is there: metrics and logs later than it do not show yet, a metric's
    minute not before up to ``metrics_lag_seconds`` more. ``enforce_quotas`` answers 429 where Azure
    would; the quota headers are always sent. ``port`` 0 takes any free one.
    """

    def __init__(
        self,
        world: World,
        *,
        clock: Callable[[], datetime] = _now,
        metrics_lag_seconds: float = 180,
        logs_lag_seconds: float = 0,
        page_size: int = 500,
        enforce_quotas: bool = False,
        port: int = 0,
    ) -> None:
        self.faults = Faults()
        self.counts = Counts()
        self._tokens = Tokens()
        self._quotas = Quotas()
        self._enforce_quotas = enforce_quotas
        self._port = port
        self._view = View(clock, metrics_lag_seconds, logs_lag_seconds, page_size)
        self._served = Served(world, self._view)
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            folder = opening.enter_context(tempfile.TemporaryDirectory(prefix="local-azure-"))
            self.ca_pem_path = str(Path(folder, "ca.pem"))
            self._server = opening.enter_context(closing(LoopbackServer(self.answer, self._port, self._certify())))
            # App Service's own identity endpoint is plain HTTP too. The control path lives there as well.
            plain_port = self._port + 1 if self._port else 0
            self._plain_server = opening.enter_context(closing(LoopbackServer(self._answer_plain, plain_port, None)))
            opening.callback(self.faults.clear)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        self._served.close()

    def serve(self, world: World) -> None:
        """Another world from the next request on. Raises ``ValueError`` if it holds what Azure cannot."""
        # Requests under way finish on the world they began with.
        self._served = Served(world, self._view)

    @property
    def url(self) -> str:
        """Resource Manager, Monitor metrics and Log Analytics, all of it."""
        return self._server.url

    @property
    def control_url(self) -> str:
        """``POST|DELETE …faults`` and ``GET|DELETE …counts``, for other processes."""
        return self._plain_server.url + CONTROL_PATH

    @property
    def environ(self) -> dict[str, str]:
        """Environment variables that point the product and azure-identity here."""
        return {
            "AZURE_RESOURCE_MANAGER_ENDPOINT": self.url,
            "AZURE_MONITOR_METRICS_ENDPOINT": f"{self.url}/regions/{{region}}",
            "AZURE_MONITOR_LOGS_ENDPOINT": self.url,
            "IDENTITY_ENDPOINT": self._plain_server.url + IDENTITY_PATH,
            "IDENTITY_HEADER": self._tokens.identity_header,
            "REQUESTS_CA_BUNDLE": self.ca_pem_path,
            "NO_PROXY": "localhost,127.0.0.1",
            "LOCAL_AZURE_CONTROL": self.control_url,
        }

    def _certify(self) -> ssl.SSLContext:
        """A certificate for this machine by a new authority, which ``ca_pem_path`` lets clients trust."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_pem_path)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(tls)
        return tls

    def answer(self, request: Request) -> Answer:
        """What the services answer, faults included."""
        route = find_route(request)
        if route is None:
            return not_found(request).answer
        return self._counted(route.kind, lambda: self._from_service(route, request))

    def _answer_plain(self, request: Request) -> Answer:
        if request.path == IDENTITY_PATH:
            return self._counted("token", lambda: self._tokens.issue(request))
        if request.path.startswith(CONTROL_PATH):
            return self._control(request)
        return not_found(request).answer

    def _counted(self, kind: str, handle: Callable[[], Answer]) -> Answer:
        with self.counts.under_way(kind):
            answer = self._with_faults(kind, handle)
            if answer.ending == "whole":
                self.counts.answered(kind, answer.status)
            return answer

    def _with_faults(self, kind: str, handle: Callable[[], Answer]) -> Answer:
        faults = self.faults.strike(kind)
        time.sleep(sum(fault.latency_seconds for fault in faults))
        for fault in faults:
            if fault.hang:
                self.faults.hang()
                return Answer(ending="dropped")
            if fault.reset:
                return Answer(ending="reset")
            if fault.status:
                return _failure(kind, fault.status, fault.retry_after_seconds).answer
        answer = handle()
        if any(fault.truncate for fault in faults):
            return msgspec.structs.replace(answer, ending="truncated")
        return answer

    def _from_service(self, route: Route, request: Request) -> Answer:
        left = self._quotas.spend(route.kind)
        try:
            if self._enforce_quotas and left < 0:
                raise _failure(route.kind, 429, 5)
            self._tokens.check(request, route.audiences)
            answer = route.handler(self._served, request)
        except RefusedError as refused:
            answer = refused.answer
        return msgspec.structs.replace(answer, headers=quota_headers(route.kind, left) | answer.headers)

    def _control(self, request: Request) -> Answer:
        try:
            return self._controlled(request.method, request.path.removeprefix(CONTROL_PATH), request)
        except (ValueError, msgspec.ValidationError) as error:
            return arm_error(400, "InvalidFault", str(error)).answer

    def _controlled(self, method: str, what: str, request: Request) -> Answer:
        match method, what:
            case "POST", "faults":
                body: dict[str, Any] = read_json(request)
                self.faults.add(str(body.pop("kind", "all")), msgspec.convert(body, Fault))
            case "DELETE", "faults":
                self.faults.clear(request.query.get("kind", "all"))
            case "GET", "counts":
                return Answer(body=self.counts.snapshot())
            case "DELETE", "counts":
                self.counts.reset()
            case _:
                return not_found(request).answer
        return Answer(body={})


def _failure(kind: str, status: int, retry_after_seconds: float | None) -> RefusedError:
    """A failure in the words of the service it comes from."""
    headers = {} if retry_after_seconds is None else {"Retry-After": f"{retry_after_seconds:g}"}
    code, message = _words(kind, status)
    refuse = logs_error if kind == "logs" else arm_error
    return refuse(status, code, message, headers)


def _words(kind: str, status: int) -> tuple[str, str]:
    if status in (429, 529):
        return THROTTLED.get(kind, THROTTLED_BY_ARM)
    if status == 403:
        return DENIED_BY_LOGS if kind == "logs" else DENIED
    return BROKEN
