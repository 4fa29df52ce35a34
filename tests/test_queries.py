"""The queries of ``docs/queries``, run over what the app really logs: a word changed there must not blind them."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.azure.kql import KqlTables
from shared.flow import assess
from shared.flow.jobs import Assessment
from shared.model import Case, Cause, Coverage, Severity
from shared.watch.incidents import Outcome
from shared.watch.state import PoolState
from tests.flow.play import CLUSTER, Play
from tests.report import samples

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "queries"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
THROTTLED = "Azure Monitor metrics is throttling this identity; it asks to wait."
TABLES = {
    "AppTraces": {"TimeGenerated": "datetime", "Message": "string"},
    "AppRequests": {"TimeGenerated": "datetime", "OperationName": "string", "DurationMs": "real", "Success": "bool"},
}


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """What a slow upgrade logs, with one receiver that refuses, one that is busy, and a source that throttles."""
    kept = Kept()
    logger = logging.getLogger("pullwatch")
    level = logger.level
    logger.addHandler(kept)
    logger.setLevel(logging.INFO)
    try:
        _slow_upgrade()
        _unread_sources()
    finally:
        logger.removeHandler(kept)
        logger.setLevel(level)
    return kept.lines


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def _slow_upgrade() -> None:
    play = Play()
    play.moods = {"slack": "400", "webhook": "503"}
    play.slow["apps"] = (Cause.DISK_IOPS, Severity.WARNING)
    play.event("upgrade_started", "apps", minutes=-1)
    play.run(120)
    play.event("upgrade_succeeded", "apps", minutes=2)
    play.run(600)


def _unread_sources() -> None:
    coverage = (Coverage("pulls", "ok"), Coverage("metrics", "failed", THROTTLED))
    found = samples.DISK_IOPS
    case = Case(found.id, NOW, found.cluster, found.pool, found.window, coverage=coverage)
    assess._record_verdict(Assessment(CLUSTER, "apps"), case, found, Outcome(PoolState("apps"), "nothing_wrong"))


@pytest.fixture(scope="module")
def workspace(lines: list[str]) -> Iterator[KqlTables]:
    tables = KqlTables()
    at = NOW - timedelta(hours=1)
    tables.create("AppTraces", TABLES["AppTraces"], [{"TimeGenerated": at, "Message": line} for line in lines])
    tables.create("AppRequests", TABLES["AppRequests"], [
        {"TimeGenerated": at, "OperationName": name, "DurationMs": took, "Success": well}
        for name, took, well in [("assess", 4000, True), ("assess", 6000, False), ("deliver", 300, True), ("sweep", 900, True)]])
    yield tables
    tables.close()


def rows(workspace: KqlTables, name: str, **changed: str) -> list[dict[str, Any]]:
    text = (FOLDER / f"{name}.kql").read_text()
    for old, new in changed.items():
        text = text.replace(old, new)
    result = workspace.run(text, dict.fromkeys(TABLES, "true"), NOW)
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def test_the_time_from_event_to_message_is_found_for_each_receiver_that_was_told(workspace: KqlTables) -> None:
    (teams,) = rows(workspace, "event_to_message")
    assert (teams["Receiver"], teams["Messages"]) == ("teams", 2)
    assert 90 < teams["Average"] < teams["Longest"] < 400


def test_verdicts_are_counted_by_cause(workspace: KqlTables) -> None:
    found = rows(workspace, "verdicts")
    assert {row["Cause"] for row in found} == {"disk.iops"}
    assert sum(row["Assessments"] for row in found) >= 3


def test_receivers_that_were_not_told_are_found_with_the_reason(workspace: KqlTables) -> None:
    found = {row["Receiver"]: row for row in rows(workspace, "refused_deliveries")}
    assert set(found) == {"slack", "webhook"}
    assert "refused" in found["slack"]["Example"]
    assert "503" in found["webhook"]["Example"]


def test_a_source_that_throttles_is_found_both_ways(workspace: KqlTables) -> None:
    assert [row["Throttled"] for row in rows(workspace, "throttled_reads")] == [1]
    (unread,) = rows(workspace, "unread_sources")
    assert (unread["Source"], unread["Pool"]) == ("metrics", "prod-weu / apps")


def test_one_operation_is_followed_by_its_id(workspace: KqlTables, lines: list[str]) -> None:
    started = next(line for line in lines if "upgrade_opened" in line)
    operation = started.rpartition("operation=")[2]
    told = [row["Message"] for row in rows(workspace, "one_operation", **{"7f3a": operation[:4]})]
    assert any("upgrade_opened" in line for line in told)
    assert any(line.startswith("prod-weu / apps: disk.iops") for line in told)


def test_failures_and_durations_of_the_functions_are_found(workspace: KqlTables) -> None:
    assert [(row["OperationName"], row["Failures"]) for row in rows(workspace, "failed_functions")] == [("assess", 1)]
    assert [(row["OperationName"], row["Longest"]) for row in rows(workspace, "event_runs")] == [("assess", 6000.0), ("deliver", 300.0)]


def test_no_query_is_left_out_here() -> None:
    text = Path(__file__).read_text()
    assert [path.stem for path in FOLDER.glob("*.kql") if f'"{path.stem}"' not in text] == []
