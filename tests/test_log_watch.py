"""The watch over all log lines bites: whatever holds the secret, wherever it is logged, the run fails and shows it not."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from shared.settings import Secret
from tests import log_watch

ROOT = Path(__file__).resolve().parents[1]
SLACK = "https://localhost:1/hooks/local-slack-token"
TOKEN = ".".join(("eyJ0eXAiOiJKV1QifQ", "eyJhdWQiOiJodHRwcyJ9", "c2lnbmF0dXJlLW9mLWl0"))


def fail() -> None:
    raise ValueError(SLACK)


def with_exception(log: logging.Logger) -> None:
    try:
        fail()
    except ValueError:
        log.info("failed", exc_info=True)


def with_a_cause(log: logging.Logger) -> None:
    try:
        try:
            fail()
        except ValueError as error:
            raise OSError("failed") from error
    except OSError:
        log.exception("failed")


def in_a_thread(log: logging.Logger) -> None:
    thread = Thread(target=log.info, args=(SLACK,))
    thread.start()
    thread.join()


BREACHES: dict[str, Callable[[logging.Logger], object]] = {
    "a line at DEBUG": lambda log: log.debug("POST %s", SLACK),
    "an exception": with_exception,
    "the cause of an exception": with_a_cause,
    "a dimension": lambda log: log.info("fine", extra={"url": SLACK}),
    "a thread": in_a_thread,
    "a bearer token": lambda log: log.info("Authorization: Bearer " + TOKEN),
    "a signing key": lambda log: log.info("whsec_" + "QUJD" * 8),
    "a key of storage": lambda log: log.info("AccountKey=" + "a2V5" * 4 + "=="),
    "a setting that nobody foresaw": lambda log: log.info("to " + Secret("https://h.example/hooks/unforeseen-by-anyone").reveal()),
    "who caused an event": lambda log: log.info("written by {user-name}"),
}


@pytest.fixture
def apart() -> Iterator[tuple[log_watch.Watch, logging.Logger]]:
    """A watch and a logger of their own: this run's watch must not find what is logged here on purpose."""
    watch, log = log_watch.Watch(), logging.Logger("some.library", logging.DEBUG)
    log.addHandler(watch)
    stop = log_watch.learning(watch)
    yield watch, log
    stop()


@pytest.mark.parametrize("where", BREACHES)
def test_a_secret_in_a_log_line_is_found(where: str, apart: tuple[log_watch.Watch, logging.Logger]) -> None:
    watch, log = apart
    BREACHES[where](log)
    assert len(watch.leaks) == 1


@pytest.mark.parametrize("text", ["whsec_ and the base64 of 24 to 64 bytes", "https://hooks.slack.com", "AccountKey=…", "eyJ", "Secret(…)"])
def test_what_only_speaks_of_secrets_is_none(text: str, apart: tuple[log_watch.Watch, logging.Logger]) -> None:
    watch, log = apart
    log.info(text)
    assert watch.leaks == {}


def run(tmp_path: Path, line: str, *options: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "test_it.py").write_text(f"import logging\nlog = logging.getLogger('some.library')\n\ndef test_it():\n    {line}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(tmp_path), "-p", "tests.log_watch", *options, str(tmp_path)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)  # noqa: S603  # our own command


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
def test_the_run_fails_names_the_test_and_shows_no_secret(tmp_path: Path, workers: str) -> None:
    done = run(tmp_path, f"log.debug({SLACK!r})", "-n", workers)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert "test_it.py::test_it: some.library logged a receiver's address (loca…) at DEBUG (test_it.py:5)" in done.stdout
    assert "local-slack-token" not in done.stdout + done.stderr


@pytest.mark.slow
def test_a_run_that_logs_no_secret_passes_and_says_how_much_it_looked_at(tmp_path: Path) -> None:
    done = run(tmp_path, "log.debug('told'); log.info('whsec_ and base64')", "-n", "2", "-vv")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No secret in 2 log lines." in done.stdout


def test_the_claims_of_every_sample_event_that_has_some_are_known() -> None:
    known = set(log_watch.claims())
    assert {"{user-name}", "{full-name}", "203.0.113.10", "{IP-address}"} <= known
    for path in log_watch.EVENTS.rglob("*.json"):
        text = json.dumps(json.loads(path.read_text()))
        assert '"claims": {"' not in text or any(one in text for one in known), path
