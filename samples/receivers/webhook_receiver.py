"""Takes Pullwatch's webhook and checks its signature: Python's standard library alone.

    PULLWATCH_WEBHOOK_SECRET=whsec_… python webhook_receiver.py     # listens on 127.0.0.1:8080

Put it behind whatever ends TLS for you: Pullwatch posts to https only. docs/webhook.md describes the payload.
"""

import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOLERANCE_SECONDS = 300
MOST_BYTES = 4 * 1024 * 1024


def verified(body: bytes, headers: Mapping[str, str], secret: str, now: float) -> bool:
    """Whether the holder of ``secret`` signed this body, not longer ago than ``TOLERANCE_SECONDS``."""
    message_id, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not sent.isdecimal() or abs(now - int(sent)) > TOLERANCE_SECONDS:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.digest(key, f"{message_id}.{sent}.".encode() + body, hashlib.sha256)).decode()
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(f"v1,{expected}", one) for one in given)


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what it took, 401 to what is not signed; Pullwatch gives up on the latter."""

    seen: set[str] = set()  # noqa: RUF012  # ids already taken: messages come at least once; keep them in your database

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if length > MOST_BYTES:
            return self._answer(413)
        body = self.rfile.read(length)
        if not verified(body, self.headers, os.environ["PULLWATCH_WEBHOOK_SECRET"], time.time()):
            return self._answer(401)
        event = json.loads(body)
        if event["id"] not in self.seen:
            self.seen.add(event["id"])
            take(event)
        return self._answer(204)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()


def take(event: dict[str, Any]) -> None:
    """Your part: open a ticket, page somebody, scale something. Be quick; work on it afterwards."""
    diagnosis = event["data"].get("diagnosis", {})
    print(event["type"], event["subject"], diagnosis.get("cause", ""), diagnosis.get("headline", ""), flush=True)  # noqa: T201  # the sample's output


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", 8080), Receiver).serve_forever()
