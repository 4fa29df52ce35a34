"""An HTTP/1.1 server with keep-alive on the loopback interface, with or without TLS."""

import contextlib
import os
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import uuid4

import msgspec

from local.azure.http import Answer, Request

type Respond = Callable[[Request], Answer]


class LoopbackServer(ThreadingHTTPServer):
    """Serves ``respond`` in a thread of its own until ``close``; each connection has a thread."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, respond: Respond, port: int, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", port), _Connection)
        self.respond = respond
        self.scheme = "https" if tls else "http"
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.server_port}"

    def close(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()
        with self._lock:
            still_open = list(self._open)
        for connection in still_open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._tls:
            # The handshake happens in the connection's own thread, at its first read.
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that went away is no news; anything else is a fault of ours and shows its traceback."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Microsoft-HTTPAPI/2.0"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    server: LoopbackServer

    def handle_any(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        answer = self.server.respond(
            Request(
                method=self.command,
                origin=f"{self.server.scheme}://{self.headers.get('Host', 'localhost')}",
                path=unquote(parts.path),
                query={name.lower(): value for name, value in parse_qsl(parts.query, keep_blank_values=True)},
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(length),
            )
        )
        if answer.ending in ("whole", "truncated"):
            self._send(answer)
        else:
            self._hang_up(reset=answer.ending == "reset")

    do_GET = do_POST = do_DELETE = do_PUT = do_HEAD = handle_any  # noqa: N815

    def _send(self, answer: Answer) -> None:
        body = b"" if answer.body is None else msgspec.json.encode(answer.body)
        self.send_response(answer.status)
        request_id = str(uuid4())
        standard = {
            "x-ms-request-id": request_id,
            "x-ms-correlation-request-id": request_id,
            "Cache-Control": "no-cache",
            "Content-Type": "application/json; charset=utf-8",
            "Content-Length": str(len(body)),
        }
        for name, value in (standard | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if answer.ending == "whole" else body[: len(body) // 2])
        self.wfile.flush()
        if answer.ending == "truncated":
            self._hang_up(reset=False)

    def _hang_up(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:
            # Linger of zero seconds: the kernel sends RST instead of FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
        else:
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet: the counters tell what was asked."""
