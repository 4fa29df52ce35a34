"""What stands between us and a receiver's address: who may be connected to, and for how long.

The name is resolved once, every address judged, and the connection made to exactly those addresses: a name that
changes its mind between check and connection (DNS rebinding) gains nothing. Loaded only when something is posted.
"""

import contextvars
import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Self

from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from shared.errors import Permanent
from shared.settings import env_name

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter

ALWAYS_REFUSED = tuple(map(ip_network, (
    "169.254.0.0/16",      # link-local, with the instance metadata service at .169.254
    "168.63.129.16/32",    # Azure's own channel to the host ("What is IP address 168.63.129.16?")
    "fe80::/10", "fd00:ec2::254/128", "0.0.0.0/8", "::/128", "224.0.0.0/3", "ff00::/8",
)))
_NAT64 = ip_network("64:ff9b::/96")


def refusal(address: str, allow_private: bool) -> str:
    """Why nothing is sent to this IP address; empty if it may be."""
    ip = _unwrapped(ip_address(address.partition("%")[0]))
    if any(ip in network for network in ALWAYS_REFUSED):
        return "has an address that is never posted to (metadata, link-local, multicast or reserved)."
    if not (allow_private or ip.is_global):
        return f"has a private address: set {env_name('allow_private_receivers')} to true if that is meant."
    return ""


def _unwrapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one only wraps: mapped, 6to4, Teredo, NAT64."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else ip)


class Attempt:
    """One post: its rules, its deadline, and how far it got.

    The timeouts of sockets start anew with every byte, so a receiver that drips could hold us for hours; here a
    timer cuts the connection when the total is up, wherever it stands (handshake, headers or body).
    """

    def __init__(self, allow_private: bool, total_seconds: float) -> None:
        self.allow_private = allow_private
        self.total_seconds = total_seconds
        self.connected = False
        """Whether TLS stood: from then on the receiver may have got the request."""
        self.cut = False
        self._twin: socket.socket | None = None
        self._lock = threading.Lock()
        self._ends_at = time.monotonic() + total_seconds
        self._timer = threading.Timer(total_seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            if self._twin:
                self._twin.close()
            self._twin = None

    @property
    def in_time(self) -> str:
        return f" within {self.total_seconds:g} s" if self.cut else ""

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._ends_at - time.monotonic())

    def watch(self, connection: socket.socket) -> None:
        """Has ``connection`` cut at the deadline. A twin of it is kept, since TLS takes the original over."""
        with self._lock:
            self._twin = connection.dup()
        if self.cut:
            self._cut()

    def _cut(self) -> None:
        self.cut = True
        with self._lock:
            if self._twin:
                try:
                    self._twin.shutdown(socket.SHUT_RDWR)
                except OSError:
                    return  # the other side was faster


def guarded_adapter(attempt: Attempt) -> "HTTPAdapter":
    """An adapter whose connections obey ``attempt``. It knows https only, no proxy, no retry, no redirect."""
    from requests.adapters import HTTPAdapter

    adapter = HTTPAdapter(max_retries=0)
    adapter.poolmanager.pool_classes_by_scheme = {"https": partial(_Pool, attempt)}
    return adapter


class _Pool(HTTPSConnectionPool):
    def __init__(self, attempt: Attempt, host: str, port: int | None = None, **options: Any) -> None:
        self.ConnectionCls = partial(_Connection, attempt)  # type: ignore[assignment]
        super().__init__(host, port, **options)


class _Connection(HTTPSConnection):
    def __init__(self, attempt: Attempt, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._attempt = attempt

    def connect(self) -> None:
        super().connect()
        self._attempt.connected = True

    def _new_conn(self) -> socket.socket:
        """The TCP connection, to an address that was judged. Overrides the one place where urllib3 opens it."""
        addresses = self._permitted_addresses()
        problem: OSError | None = None
        for address in addresses:
            try:
                connection = create_connection((address, self.port), self._seconds(), socket_options=self.socket_options)
            except OSError as error:
                problem = error
            else:
                self._attempt.watch(connection)
                return connection
        if isinstance(problem, TimeoutError):
            raise ConnectTimeoutError(self, "timed out")
        raise NewConnectionError(self, "refused")

    def _permitted_addresses(self) -> list[str]:
        """All addresses of the host. One that may not be posted to spoils the whole name: raises ``Permanent``."""
        addresses = self._resolve()
        for address in addresses:
            if reason := refusal(address, self._attempt.allow_private):
                raise Permanent(f"https://{self.host} {reason}")
        return addresses

    def _resolve(self) -> list[str]:
        """In a thread of its own, since a resolver has no deadline that we could set."""
        executor = ThreadPoolExecutor(1)
        look_up = executor.submit(socket.getaddrinfo, self._dns_host, self.port, type=socket.SOCK_STREAM)
        executor.shutdown(wait=False)
        try:
            return list(dict.fromkeys(str(info[4][0]) for info in look_up.result(self._seconds())))
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from None
        except TimeoutError:
            raise ConnectTimeoutError(self, "the name was not resolved in time") from None

    def _seconds(self) -> float:
        allowed = self.timeout if isinstance(self.timeout, int | float) else self._attempt.total_seconds
        return max(0.001, min(allowed, self._attempt.seconds_left))


_silenced = contextvars.ContextVar("_silenced", default=False)


@contextmanager
def silenced() -> Iterator[None]:
    """Within it, the HTTP libraries log nothing: their debug lines and header warnings hold the whole URL."""
    token = _silenced.set(True)
    try:
        yield
    finally:
        _silenced.reset(token)


def _is_wanted(_: logging.LogRecord) -> bool:
    return not _silenced.get()


for _name in ("requests", "urllib3", "urllib3.connection", "urllib3.connectionpool", "urllib3.poolmanager",
              "urllib3.response", "urllib3.util.retry"):
    logging.getLogger(_name).addFilter(_is_wanted)
