"""Teams, Slack, a webhook and an Event Grid topic on loopback: HTTPS servers that answer as the real ones do.

    with Receivers() as chats:
        settings = load({**chats.environment})
        …
        chats.received

Each can be told what to answer next: ``chats.script("slack", Answer(429, headers={"Retry-After": "1"}), Fault.RESET)``.
"""

import base64
import hashlib
import hmac
import json
import os
import socket
import ssl
import struct
import threading
import time
from collections import defaultdict, deque
from datetime import UTC, datetime
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import msgspec
import trustme

from local import block_kit

TEAMS_BYTES = 28_672
ATTACHMENT_BLOCKS = 20
"""Users measured a refusal above it; Slack's own page is silent."""
SIGNATURE_TOLERANCE_SECONDS = 300
HUGE_BYTES = 4 * 1024 * 1024
PATHS = {
    "teams": "/teams/workflows/8c1f0b7e2d/triggers/manual/paths/invoke?api-version=1&sig=local-teams-signature",
    "slack": "/slack/services/T0LOCAL01/B0LOCAL01/local-slack-token",
    "webhook": "/webhook/local-webhook-token",
    "eventgrid": "/eventgrid/api/events",
}


class Answer(msgspec.Struct, frozen=True):
    """What to answer instead of the usual."""

    status: int
    body: str = ""
    headers: dict[str, str] = {}


class Fault(Enum):
    """Ways not to answer."""

    HANG = auto()
    """Takes the request and says nothing."""
    RESET = auto()
    """Takes the request and resets the connection."""
    DRIP = auto()
    """Sends headers without end, one a tenth of a second."""
    HUGE = auto()
    """Answers 200 with 4 MiB of text."""


class Received(msgspec.Struct, frozen=True):
    """One request, and what was said to it."""

    kind: str
    at: datetime
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    status: int
    """0: a fault, nothing was answered."""
    problem: str = ""
    """Why the receiver refuses it, or, for Teams, why the flow fails after its 202."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receivers:
    """The servers, from ``with`` on. ``ca``: the authority of their certificate; one is made if none is given."""

    def __init__(self, ca: trustme.CA | None = None, webhook_secret: str = "") -> None:
        self._ca = ca or trustme.CA()
        self.webhook_secret = webhook_secret or "whsec_" + base64.b64encode(os.urandom(32)).decode()
        self.received: list[Received] = []
        self.closing = threading.Event()
        self._scripts: dict[str, deque[Answer | Fault]] = defaultdict(deque)

    def __enter__(self) -> Self:
        self._directory = TemporaryDirectory(prefix="pullwatch-receivers-")
        self.ca_file = Path(self._directory.name) / "ca.pem"
        self._ca.cert_pem.write_to_path(self.ca_file)
        self._server = _Server(self)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        # The handshake waits for the handler's thread: a client that stalls must not stop the others.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._directory.cleanup()

    def url(self, kind: str) -> str:
        return f"https://localhost:{self._server.server_address[1]}{PATHS[kind]}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables under which Pullwatch posts here."""
        return {
            **{f"PULLWATCH_{kind.upper()}_URL": self.url(kind) for kind in ("teams", "slack", "webhook")},
            "PULLWATCH_WEBHOOK_SECRET": self.webhook_secret,
            "PULLWATCH_ALLOW_PRIVATE_RECEIVERS": "true",
            "REQUESTS_CA_BUNDLE": str(self.ca_file),
        }

    def script(self, kind: str, *answers: Answer | Fault) -> None:
        """What the next requests to ``kind`` get, one each; afterwards it behaves as usual."""
        self._scripts[kind].extend(answers)

    def next_scripted(self, kind: str) -> Answer | Fault | None:
        return self._scripts[kind].popleft() if self._scripts[kind] else None

    def of(self, kind: str) -> list[Received]:
        return [request for request in self.received if request.kind == kind]


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, receivers: Receivers) -> None:
        self.receivers = receivers
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up or distrust the certificate are part of the game."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_POST(self) -> None:
        kind = self.path.split("/")[1].partition("?")[0]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer, problem = _usual_answer(kind, body, headers, self.server.receivers.webhook_secret)
        scripted = self.server.receivers.next_scripted(kind) or answer
        status = scripted.status if isinstance(scripted, Answer) else 0
        self.server.receivers.received.append(Received(kind, datetime.now(UTC), headers, body, status, problem))
        self.close_connection = True
        if isinstance(scripted, Answer):
            self._answer(scripted)
        else:
            self._fail(scripted)

    def _answer(self, answer: Answer) -> None:
        content = answer.body.encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _fail(self, fault: Fault) -> None:
        match fault:
            case Fault.HANG:
                self.server.receivers.closing.wait(self.timeout)
            case Fault.RESET:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                os.close(self.connection.detach())
            case Fault.DRIP:
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                while not self.server.receivers.closing.is_set():
                    self.wfile.write(b"X-Drip: 1\r\n")
                    time.sleep(0.1)
            case Fault.HUGE:
                self._answer(Answer(200, "ok " + "x" * HUGE_BYTES))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Silent: what came in is in ``received``."""


def _usual_answer(kind: str, body: bytes, headers: dict[str, str], webhook_secret: str) -> tuple[Answer, str]:
    """What the real receiver would say, and what it would find wrong."""
    match kind:
        case "teams":
            return Answer(202), teams_problem(body)
        case "slack":
            return _slack_answer(body)
        case "webhook":
            return (Answer(204), "") if signature_holds(body, headers, webhook_secret) else (Answer(401, "bad signature"), "bad signature")
        case "eventgrid":
            return Answer(200), ""
        case _:
            return Answer(404, f"Cannot POST to {kind}"), "no such receiver"


def teams_problem(body: bytes) -> str:
    """Why the flow behind a Teams webhook fails, silently, after its 202; empty if the card is shown."""
    try:
        attachments = json.loads(body)["attachments"]
        card = attachments[0]["content"]
    except (ValueError, KeyError, IndexError, TypeError):
        return "foreach expression '@triggerOutputs()?['body']?['attachments']' is of type 'Null'"
    if not isinstance(card, dict) or card.get("type") != "AdaptiveCard":
        return "Property 'type' must be 'AdaptiveCard'"
    size = len(json.dumps(json.dumps(card, separators=(",", ":"), ensure_ascii=False), ensure_ascii=False).encode())
    return f"Actual message properties size: {size} bytes, whereas max allowed size is {TEAMS_BYTES} bytes" if size > TEAMS_BYTES else ""


def _slack_answer(body: bytes) -> tuple[Answer, str]:
    try:
        payload = json.loads(body)
    except ValueError:
        return Answer(400, "invalid_payload"), "not JSON"
    if not payload.get("text") and not payload.get("blocks") and not payload.get("attachments"):
        return Answer(400, "no_text"), "neither text nor blocks"
    if found := block_kit.problems(payload):
        return Answer(400, "invalid_blocks"), "; ".join(found)
    for attachment in payload.get("attachments", []):
        found = block_kit.problems(attachment)
        if found or len(attachment.get("blocks", [])) > ATTACHMENT_BLOCKS:
            return Answer(400, "invalid_attachments"), "; ".join(found) or "too many blocks in an attachment"
    return Answer(200, "ok"), ""


def signature_holds(body: bytes, headers: dict[str, str], secret: str) -> bool:
    """Whether one of the signatures is that of ``secret``, and not older than five minutes (Standard Webhooks)."""
    sent_at = headers.get("webhook-timestamp", "")
    if not sent_at.isdigit() or abs(time.time() - int(sent_at)) > SIGNATURE_TOLERANCE_SECONDS:
        return False
    signed = f"{headers.get('webhook-id', '')}.{sent_at}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return any(hmac.compare_digest(expected, one) for one in headers.get("webhook-signature", "").split())
