"""What the TLS server hands to the services, and what they hand back."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import uuid4

import msgspec


class Request(msgspec.Struct, frozen=True, kw_only=True):
    method: str
    origin: str
    """``https://localhost:12345``: what a ``nextLink`` starts with."""
    path: str
    """Decoded, without the query."""
    query: Mapping[str, str]
    """Parameter names in lower case: Azure does not tell them apart by case."""
    headers: Mapping[str, str]
    """Header names in lower case."""
    body: bytes = b""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    status: int = 200
    body: Any = None
    """What is sent as JSON."""
    headers: dict[str, str] = {}
    ending: Literal["whole", "truncated", "dropped", "reset"] = "whole"
    """How the connection behaves: the answer arrives, half of it does, the peer closes, the peer resets."""


class RefusedError(Exception):
    """A request that Azure would refuse; carries the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status} {answer.body}")
        self.answer = answer


def arm_error(status: int, code: str, message: str, headers: dict[str, str] | None = None, **more: Any) -> RefusedError:
    """The error body of Azure Resource Manager and most data planes: ``{"error": {code, message}}``."""
    return RefusedError(
        Answer(status=status, body={"error": {"code": code, "message": message, **more}}, headers=headers or {})
    )


def logs_error(
    status: int, code: str, message: str, headers: dict[str, str] | None = None, **more: Any
) -> RefusedError:
    """The error body of the Log Analytics query API."""
    error = {"message": message, "code": code, "correlationId": str(uuid4()), **more}
    return RefusedError(Answer(status=status, body={"error": error}, headers=headers or {}))


def read_json(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises ``RefusedError`` (400) where it is none."""
    try:
        value = msgspec.json.decode(request.body)
    except msgspec.DecodeError as error:
        raise arm_error(
            400, "InvalidRequestContent", f"The request content was invalid and could not be deserialized: '{error}'."
        ) from None
    if not isinstance(value, dict):
        raise arm_error(400, "InvalidRequestContent", "The request content was invalid: a JSON object is expected.")
    return value
