"""A receiver's URL is its password. It must not turn up in a log, an error or a traceback, whatever happens."""

import logging
import socket
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from types import ModuleType

import pytest
from msgspec.structs import replace
from urllib3.connectionpool import HTTPConnectionPool

from local.receivers import Answer, Fault, Receivers
from shared.errors import PullwatchError
from shared.notify import guard
from shared.notify.delivery import send
from shared.notify.http import post
from shared.settings import Secret, Settings
from tests.report import samples

SECRETS = ("local-teams-signature", "local-slack-token", "local-webhook-token", "T0LOCAL01", "8c1f0b7e2d", "whsec_")

TROUBLES = {
    "nothing": [], "hang": [Fault.HANG], "reset": [Fault.RESET], "throttled": [Answer(429, headers={"Retry-After": "3"})],
    "redirect": [Answer(302, headers={"Location": "https://localhost/elsewhere"})], "server error": [Answer(500)],
    "broken headers": [Answer(503, "", {"X-Broken": "a\r\nno colon here\r\n b"})], "refused": [Answer(400, "invalid_blocks")] * 2,
}


class Everything(logging.Handler):
    """Keeps every record of every logger, formatted with its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += logging.Formatter().format(record) + "\n"


@pytest.fixture
def logged():
    handler, root = Everything(), logging.getLogger()
    names = ["urllib3", "urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry", "urllib3.response", "requests", "asyncio"]
    levels = {name: logging.getLogger(name).level for name in names} | {"": root.level}
    root.addHandler(handler)
    for name in levels:
        logging.getLogger(name or None).setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name or None).setLevel(level)


def told_by(error: BaseException | None) -> str:
    """Everything an error reporter could print: texts, reprs, arguments, causes, contexts, tracebacks."""
    told = ""
    while error is not None:
        told += f"{error!s} {error!r} {error.args!r} {vars(error)!r} " + "".join(traceback.format_exception(error))
        error = error.__cause__ or error.__context__
    return told


def assert_silent(text: str) -> None:
    assert [secret for secret in SECRETS if secret in text] == []


@pytest.mark.parametrize("kind", ["teams", "slack", "webhook"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_no_secret_leaks_whatever_a_receiver_does(kind, trouble, chats: Receivers, settings: Settings, logged):
    chats.script(kind, *TROUBLES[trouble])
    assert_silent(attempt(kind, settings) + logged.text)


@pytest.mark.parametrize("kind", ["teams", "slack", "webhook"])
@pytest.mark.parametrize("status", [200, 404, 500])
def test_no_secret_leaks_if_a_server_echoes_the_address(kind, status, chats: Receivers, settings: Settings, logged):
    path = chats.url(kind).split("/", 3)[3]
    chats.script(kind, Answer(status, f"<pre>Cannot POST /{path.replace('&', '&amp;')}</pre> /{path}"))
    assert_silent(attempt(kind, settings) + logged.text)


def attempt(kind: str, settings: Settings) -> str:
    try:
        send(kind, samples.opened(), settings, samples.LINKS, datetime.now(UTC), post=partial(post, total_seconds=0.5))
    except PullwatchError as error:
        return told_by(error)
    return ""


@pytest.mark.parametrize("kind", ["teams", "slack", "webhook"])
def test_no_secret_leaks_if_nobody_listens(kind, settings: Settings, logged):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    moved = {f"{k}_url": Secret(f"https://localhost:{port}/services/T0LOCAL01/local-slack-token?sig=local-teams-signature") for k in ("teams", "slack", "webhook")}
    assert_silent(attempt(kind, replace(settings, **moved)) + logged.text)


def test_no_secret_leaks_from_a_url_that_is_none(settings: Settings, logged):
    broken = replace(settings, teams_url=Secret("https://[local-teams-signature/x?sig=local-teams-signature"))
    assert_silent(attempt("teams", broken) + logged.text)


def test_no_secret_leaks_if_the_address_is_refused(settings: Settings, logged):
    assert_silent(attempt("slack", replace(settings, allow_private_receivers=False)) + logged.text)


# --- instrumentation -------------------------------------------------------------------------------


@pytest.fixture
def observed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What an instrumentation of urllib3 sees, as OpenTelemetry's does: whole paths, unless it is told not to look."""
    paths: list[str] = []
    looks_away = ContextVar("looks_away", default=False)
    original = HTTPConnectionPool.urlopen

    def urlopen(pool: HTTPConnectionPool, method: str, url: str, *args: object, **options: object) -> object:
        if not looks_away.get():
            paths.append(url)
        return original(pool, method, url, *args, **options)

    @contextmanager
    def suppress_instrumentation() -> Iterator[None]:
        token = looks_away.set(True)
        yield
        looks_away.reset(token)

    utils = ModuleType("opentelemetry.instrumentation.utils")
    utils.suppress_instrumentation = suppress_instrumentation
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation", ModuleType("opentelemetry.instrumentation"))
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation.utils", utils)
    monkeypatch.setattr(HTTPConnectionPool, "urlopen", urlopen)
    return paths


def test_no_span_of_the_http_library_holds_a_receivers_address(chats: Receivers, settings: Settings, observed: list[str]):
    for kind in ("teams", "slack", "webhook"):
        attempt(kind, settings)
    assert len(chats.received) == 3
    assert observed == []


def test_without_that_it_would(chats: Receivers, settings: Settings, observed: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation.utils", None)
    attempt("slack", settings)
    assert "local-slack-token" in observed[0]


def test_settings_do_not_show_their_secrets(settings: Settings):
    assert_silent(repr(settings) + str(settings))


def test_other_users_of_the_http_library_can_still_log(logged):
    logging.getLogger("urllib3.connectionpool").debug("before")
    with guard.silenced():
        logging.getLogger("urllib3.connectionpool").warning("within")
    logging.getLogger("urllib3.connectionpool").debug("after")
    assert "before" in logged.text
    assert "within" not in logged.text
    assert "after" in logged.text
