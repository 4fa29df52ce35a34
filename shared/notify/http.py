"""One way to post to a receiver: https, one request, no redirect, bounded in time and size, silent about the URL.

A receiver's URL is its password, so nothing here logs it or puts more of it into an error than scheme and host.
"""

import os
import re
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

import msgspec

from shared.errors import Misconfigured, Permanent, Transient, Unanswered
from shared.settings import Secret

if TYPE_CHECKING:
    from shared.notify.guard import Attempt

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 20.0
BODY_BYTES = 64 * 1024
SECRET_PIECE_CHARACTERS = 8
"""Shorter pieces of a URL (``teams``, ``v1``) are no secrets, and occur in ordinary text."""
KEPT_HEADERS = ("retry-after", "content-type")


class Response(msgspec.Struct, frozen=True):
    status: int
    headers: dict[str, str]
    """``retry-after`` and ``content-type`` where sent, names in lower case."""
    body: str
    """At most 64 KiB, undecodable bytes replaced, pieces of the URL taken out: servers like to echo it."""


class Post(Protocol):
    def __call__(self, url: Secret, body: bytes, headers: Mapping[str, str], *, allow_private: bool = False) -> Response: ...


def post(
    url: Secret, body: bytes, headers: Mapping[str, str], *, allow_private: bool = False, total_seconds: float = TOTAL_SECONDS,
) -> Response:
    """Posts ``body`` once and returns whatever came back, with any status.

    Raises ``Permanent`` if the address may not be posted to, ``Transient`` if nothing was sent, and
    ``Unanswered`` if something was. TLS trust comes from ``REQUESTS_CA_BUNDLE``; proxies are ignored.
    """
    origin = origin_of(url)
    from requests import Request, RequestException
    from urllib3.exceptions import HTTPError

    from shared.notify.guard import Attempt, guarded_adapter, silenced
    from shared.telemetry import unobserved

    trust = _trust()
    with silenced(), unobserved(), Attempt(allow_private, total_seconds) as attempt, closing(guarded_adapter(attempt)) as adapter:
        try:
            request = Request("POST", url.reveal(), data=body, headers={"Accept-Encoding": "identity", **headers}).prepare()
            with adapter.send(request, stream=True, timeout=(CONNECT_SECONDS, total_seconds), verify=trust) as answer:
                content = answer.raw.read(BODY_BYTES, decode_content=False)
        except (RequestException, HTTPError) as problem:
            kind = type(problem).__name__
        else:
            kind = ""
            if not attempt.cut:  # otherwise the headers end where the time did, which http.client takes for an answer
                kept = {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers}
                return Response(answer.status_code, kept, _without_secrets(content.decode("utf-8", "replace"), url))
    # Raised out here so that it does not carry the original, whose text holds the whole URL.
    raise _failure(origin, kind, attempt)


def origin_of(url: Secret) -> str:
    """``https://host``: all of a receiver's URL that may be shown. Raises ``Permanent`` for any other scheme."""
    try:
        parts = urlsplit(url.reveal())
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme != "https":
        raise Permanent("A receiver's URL must begin with https:// and a host.") from None
    return f"https://{host}"


def _without_secrets(text: str, url: Secret) -> str:
    parts = urlsplit(url.reveal())
    pieces = set(re.split(r"[/?&=]", f"{parts.path}?{parts.query}"))
    for piece in pieces | {unquote(piece) for piece in pieces}:
        if len(piece) >= SECRET_PIECE_CHARACTERS:
            text = text.replace(piece, "…")
    return text


def _trust() -> str | bool:
    """Where the authorities are that receivers' certificates must come from. Never "do not check"."""
    bundle = os.environ.get("REQUESTS_CA_BUNDLE", "").strip()
    if bundle and not os.path.exists(bundle):
        raise Misconfigured(f"REQUESTS_CA_BUNDLE names {bundle!r}, which does not exist.")
    return bundle or True


def _failure(origin: str, kind: str, attempt: "Attempt") -> Transient:
    """``kind`` is the name of the exception that requests or urllib3 raised."""
    if attempt.connected:
        return Unanswered(f"{origin} took the connection but gave no whole answer{attempt.in_time}.")
    if kind == "SSLError" and not attempt.cut:
        return Transient(f"{origin} did not prove its identity (TLS): check its certificate, or set REQUESTS_CA_BUNDLE to its authority.")
    return Transient(f"{origin} could not be reached{attempt.in_time}.")
