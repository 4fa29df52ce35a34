"""Looks into every line that any test logs, from DEBUG on, in every worker process: one that holds a secret fails the run.

A secret is: a piece of the address of a receiver of the tests, a signing key, a bearer token, a key of storage, what
else was ever put into a ``Secret``, and what the sample events say about the person who caused them.
"""

import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.settings import Secret

EVENTS = Path(__file__).parent / "data" / "events"
PERSONAL = ("claims", "evidence", "clientIpAddress")
RECEIVERS = (
    "local-teams-signature", "local-slack-token", "local-webhook-token", "T0LOCAL01", "8c1f0b7e2d", "s3cret", "very-secret-path", "very-secret-signature",
)
PATTERNS = {
    "whsec_": re.compile(r"whsec_[A-Za-z0-9+/]{20,}"),
    "eyJ": re.compile(r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    "AccountKey=": re.compile(r"AccountKey=\w{8,}"),
}
"""By a text that is quick to look for."""
SHORTEST = 16
"""A shorter ``Secret`` of a test may occur in any text."""
_PLAIN = frozenset(vars(logging.makeLogRecord({})))


class Watch(logging.Handler):
    """Looks at each record once, and keeps of it only that something was found."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.records = 0
        self.leaks: dict[str, None] = {}
        """One line each, without the secret: where it was logged, and what kind it is."""
        self.known = {text: f"a receiver's address ({text[:4]}…)" for text in RECEIVERS} | dict.fromkeys(claims(), "claims of an event")

    def emit(self, record: logging.LogRecord) -> None:
        self.records += 1
        for kind in self.kinds_in(whole(record)):
            test = os.environ.get("PYTEST_CURRENT_TEST", "outside of a test").partition(" ")[0]
            self.leaks[f"{test}: {record.name} logged {kind} at {record.levelname} ({record.filename}:{record.lineno})"] = None

    def kinds_in(self, text: str) -> set[str]:
        found = {kind for secret, kind in self.known.items() if secret in text}
        return found | {f"{start}…" for start, pattern in PATTERNS.items() if start in text and pattern.search(text)}

    def learn(self, value: str) -> None:
        """A ``Secret`` was made. Of an address everything behind the host counts, since the host may be named.

        The address of an Event Grid topic opens nothing: it wants an identity.
        """
        kept = re.sub(r"^https?://[^/]*", "", value)
        if len(kept) >= SHORTEST and not kept.endswith(("=true", "/api/events")) and not self.kinds_in(kept):
            self.known[kept] = "a setting that is a secret"


def claims() -> Iterator[str]:
    """What the sample events say about people and programs: names, addresses, tokens; no roles and no ids of resources."""
    for path in sorted(EVENTS.rglob("*.json")):
        for text in _personal(json.loads(path.read_text()), inside=False):
            if re.fullmatch(r"\{[\w-]{4,}\}|[\d.]{7,}|[\w.]+@[\w.]+", text):
                yield text


def _personal(value: Any, inside: bool) -> Iterator[str]:
    match value:
        case dict():
            for name, one in value.items():
                yield from _personal(one, inside or name in PERSONAL)
        case list():
            for one in value:
                yield from _personal(one, inside)
        case str() if inside:
            yield value


def whole(record: logging.LogRecord) -> str:
    """The message, its exception with all causes, and its dimensions."""
    dimensions = {name: value for name, value in vars(record).items() if name not in _PLAIN}
    return f"{logging.Formatter().format(record)}\n{dimensions or ''}"


def learning(watch: Watch) -> Callable[[], None]:
    """Has the watch learn every ``Secret`` that is made from now on; returns what ends it."""
    original = Secret.__init__

    def learned(self: Secret, value: str) -> None:
        original(self, value)
        watch.learn(self.reveal())

    def end() -> None:
        Secret.__init__ = original  # type: ignore[method-assign]

    Secret.__init__ = learned  # type: ignore[method-assign]
    return end


# --- pytest ---------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    watch = config.stash[_WATCH] = Watch()
    config.add_cleanup(learning(watch))
    root = logging.getLogger()
    root.addHandler(watch)
    root.setLevel(logging.DEBUG)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of pytest-xdist is done: what it found."""
    watch, told = node.config.stash[_WATCH], getattr(node, "workeroutput", {}).get("watched", {})
    watch.leaks |= dict.fromkeys(told.get("leaks", ()))
    watch.records += told.get("records", 0)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    watch = session.config.stash[_WATCH]
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["watched"] = {"leaks": list(watch.leaks), "records": watch.records}
    elif watch.leaks:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    watch = config.stash[_WATCH]
    if watch.leaks:
        terminalreporter.section("secrets in log lines", red=True)
        for leak in sorted(watch.leaks):
            terminalreporter.line(leak)
    elif config.getoption("verbose") > 0:
        terminalreporter.line(f"No secret in {watch.records} log lines.")


_WATCH = pytest.StashKey[Watch]()
