"""HTTP as Azure's host serves it: routes under ``/api``, keys, one request one invocation."""

import hmac
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from local.host.dispatch import Dispatcher
from local.host.errors import HostError
from local.host.functions import Function
from local.host.protos import protos

LOCAL_KEY = "local-function-key"
"""Opens everything that needs a key: it guards nothing but this machine's own loopback address."""
MAX_BODY_BYTES = 100 * 1024 * 1024
"""What Azure's host takes at most."""
_PARAMETER = re.compile(r"^\{(?P<rest>\*?)(?P<name>\w+)(?P<optional>\??)\}$")


@dataclass(frozen=True)
class Request:
    method: str
    url: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


type Answering = Callable[[Request], Answer]


def authorized(request: Request) -> bool:
    key = request.headers.get("x-functions-key") or request.query.get("code") or ""
    return hmac.compare_digest(key.encode(), LOCAL_KEY.encode())


@dataclass(frozen=True)
class Route:
    """Where one HTTP function answers."""

    function: Function
    pattern: re.Pattern[str]
    methods: frozenset[str]
    """Empty: all of them."""
    needs_key: bool

    def match(self, request: Request) -> dict[str, str] | None:
        """The route's parameters, or None if this request is for another. Paths ignore case, as in Azure."""
        found = self.pattern.fullmatch(request.path)
        if found is None or (self.methods and request.method not in self.methods):
            return None
        return {name: unquote(value) for name, value in found.groupdict().items() if value is not None}


def route_of(function: Function, prefix: str) -> Route:
    """The route of an HTTP function, ``prefix/name`` by default. Raises ``HostError``."""
    properties = function.trigger.properties
    template = "/".join(part for part in (prefix.strip("/"), (properties.get("route") or function.name).strip("/")) if part)
    return Route(
        function, re.compile("".join(_segment(function, part) for part in template.split("/")), re.IGNORECASE),
        frozenset(str(method).upper() for method in properties.get("methods") or ()),
        str(properties.get("authLevel") or "function").lower() != "anonymous",
    )


def _segment(function: Function, part: str) -> str:
    """The pattern of one segment of a route template, its slash included."""
    parameter = _PARAMETER.match(part)
    if parameter is None:
        if "{" in part:
            raise HostError(f"{function.name} has {part!r} in its route; the local host plays {{name}}, {{name?}} and {{*name}} as whole segments.")
        return "/" + re.escape(part)
    pattern = f"/(?P<{parameter['name']}>{'.*' if parameter['rest'] else '[^/]+'})"
    return f"(?:{pattern})?" if parameter["optional"] or parameter["rest"] else pattern


class Routes:
    """All HTTP functions of an app. Literal segments win over parameters."""

    def __init__(self, functions: Mapping[str, Function], prefix: str, dispatcher: Dispatcher) -> None:
        routes = [route_of(function, prefix) for function in functions.values()]
        self._routes = sorted(routes, key=lambda route: route.pattern.groups)
        self._dispatcher = dispatcher

    def answer(self, request: Request) -> Answer:
        for route in self._routes:
            parameters = route.match(request)
            if parameters is not None:
                return self._call(route, request, parameters)
        return Answer(HTTPStatus.NOT_FOUND)

    def _call(self, route: Route, request: Request, parameters: dict[str, str]) -> Answer:
        if route.needs_key and not authorized(request):
            return Answer(HTTPStatus.UNAUTHORIZED)
        http = protos().RpcHttp(
            method=request.method, url=request.url, headers=dict(request.headers), params=parameters,
            query=dict(request.query), body=protos().TypedData(bytes=request.body),
        )
        with self._dispatcher.busy():
            invocation = self._dispatcher.run(route.function, protos().TypedData(http=http))
        return answer_of(invocation.response) if invocation.succeeded else Answer(HTTPStatus.INTERNAL_SERVER_ERROR)


def answer_of(http: Any) -> Answer:
    """An answer from what the function returned (RpcHttp); 200 where it names no status."""
    kind = http.body.WhichOneof("data")
    body = getattr(http.body, kind) if kind else b""
    return Answer(int(http.status_code or 200), dict(http.headers), body if isinstance(body, bytes) else body.encode())


class Server:
    """Serves ``answer`` on a loopback port, each request on its own thread."""

    def __init__(self, answer: Answering, port: int) -> None:
        handler = type("Handler", (_Handler,), {"answering": staticmethod(answer)})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="functions-http", daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answering: Answering

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY_BYTES:
            self.close_connection = True
            self._reply(Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
            return
        parts = urlsplit(self.path)
        self._reply(type(self).answering(Request(
            self.command, f"http://{self.headers.get('Host', '')}{self.path}", parts.path, dict(parse_qsl(parts.query)),
            {name.lower(): value for name, value in self.headers.items()}, self.rfile.read(length),
        )))

    def _reply(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815  # names that http.server looks for

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class calls it so
        """Says nothing: URLs hold keys."""
