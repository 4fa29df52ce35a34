"""The Event Grid webhook of Azure's host, and Event Grid's own delivery to a storage queue.

What the endpoint answers is what the host's Event Grid extension answers
(Microsoft.Azure.WebJobs.Extensions.EventGrid, ``EventGridExtensionConfigProvider``).
"""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from local.host.dispatch import Dispatcher
from local.host.functions import Function
from local.host.http import Answer, Request, authorized
from local.host.log import Invocation
from local.host.protos import protos

PATH = "/runtime/webhooks/EventGrid"
MAX_AT_ONCE = 32
ALLOWED_ORIGINS = ("eventgrid.azure.net", "eventgrid.azure.us", "eventgrid.azure.cn")


def serves(request: Request) -> bool:
    return request.path.lower().rstrip("/") == PATH.lower()


class Webhook:
    """``POST /runtime/webhooks/EventGrid?functionName=…&code=…``."""

    def __init__(self, functions: Mapping[str, Function], dispatcher: Dispatcher) -> None:
        self._functions = {name.lower(): function for name, function in functions.items()}
        self._dispatcher = dispatcher

    def answer(self, request: Request) -> Answer:
        if not authorized(request):
            return Answer(HTTPStatus.UNAUTHORIZED)
        function = self._functions.get(request.query.get("functionName", "").lower())
        if function is None:
            return text(HTTPStatus.NOT_FOUND, f"cannot find function: '{request.query.get('functionName', '')}'")
        if request.method == "OPTIONS":
            return Answer(HTTPStatus.OK, {"Webhook-Allowed-Origin": _allowed_origin(request)})
        return self._post(function, request)

    def _post(self, function: Function, request: Request) -> Answer:
        match request.headers.get("aeg-event-type", "").lower():
            case "subscriptionvalidation":
                return _handshake(request.body)
            case "notification":
                return self._notify(function, request.body)
            case "unsubscribe":
                return Answer(HTTPStatus.ACCEPTED)
            case _:
                return Answer(HTTPStatus.BAD_REQUEST)

    def _notify(self, function: Function, body: bytes) -> Answer:
        """One invocation for each event, side by side; any failure fails the delivery as a whole."""
        events = _events(body)
        if not events:
            return Answer(HTTPStatus.BAD_REQUEST)
        with self._dispatcher.busy(), ThreadPoolExecutor(min(len(events), MAX_AT_ONCE)) as pool:
            runs = list(pool.map(lambda event: self._run(function, event), events))
        failed = next((run.error for run in runs if not run.succeeded), "")
        return text(HTTPStatus.INTERNAL_SERVER_ERROR, failed) if failed else Answer(HTTPStatus.ACCEPTED)

    def _run(self, function: Function, event: Any) -> Invocation:
        return self._dispatcher.run(function, protos().TypedData(json=json.dumps(event)))


def text(status: HTTPStatus, message: str) -> Answer:
    return Answer(status, {"Content-Type": "text/plain; charset=utf-8"}, message.encode())


def _handshake(body: bytes) -> Answer:
    """Proves to Event Grid that the endpoint wants its events: the code, sent back.

    The Event Grid schema brings an array; the other an object whose ``data`` may be JSON in a string.
    """
    events = _events(body)
    data = events[0].get("data") if events and isinstance(events[0], dict) else None
    data = _json(data) if isinstance(data, str) else data
    if not isinstance(data, dict) or "validationCode" not in data:
        return Answer(HTTPStatus.BAD_REQUEST)
    answer = json.dumps({"validationResponse": data["validationCode"]}).encode()
    return Answer(HTTPStatus.OK, {"Content-Type": "application/json"}, answer)


def _events(body: bytes) -> list[Any]:
    """The events of an array or of a single object; none if the body is no JSON."""
    content = _json(body)
    return content if isinstance(content, list) else [content] if content else []


def _json(text: str | bytes) -> Any:
    """The value of a JSON text; None if it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _allowed_origin(request: Request) -> str:
    origin = request.headers.get("webhook-request-origin", "").lower()
    return origin if origin in ALLOWED_ORIGINS else ALLOWED_ORIGINS[0]
