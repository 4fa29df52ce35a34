"""``pullwatch.py diagnose`` as a person or a script runs it: a process of its own, over the local Azure."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from local.azure import Fault, LocalAzure
from local.world import build
from local.world.types import World
from shared.model import Case, Coverage, Diagnosis, decode, encode
from tests.diagnose.cases import FAST, STORM, case

ROOT = Path(__file__).resolve().parents[1]
DONE, BAD_NEWS, WRONG_USAGE, AZURE_UNREADABLE = 0, 1, 2, 3

type Ran = subprocess.CompletedProcess[str]


def pullwatch(*arguments: str | Path, environ: Mapping[str, str] | None = None) -> Ran:
    """One run with these settings and no others of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PULLWATCH_", "AZURE_", "IDENTITY_"))}
    command = [sys.executable, "pullwatch.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env={**kept, **(environ or {})}, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603


def assert_one_sentence(ran: Ran, code: int, *words: str) -> None:
    """Nothing on standard output, and on standard error what is wrong, without a traceback."""
    last = ran.stderr.strip().splitlines()[-1] if ran.stderr.strip() else ""
    assert (ran.returncode, ran.stdout) == (code, ""), ran.stderr
    assert "Traceback" not in ran.stderr
    assert [word for word in words if word not in last] == [], last


@pytest.fixture(scope="module")
def world() -> World:
    return build("disk-iops", 3, datetime.now(UTC))


@pytest.fixture(scope="module")
def azure(world: World) -> Iterator[LocalAzure]:
    with LocalAzure(world, metrics_lag_seconds=0) as running:
        yield running


@pytest.fixture(scope="module")
def environ(azure: LocalAzure) -> dict[str, str]:
    return azure.environ | {"PULLWATCH_BASELINE_HOURS": "6"}


@pytest.fixture(scope="module")
def saved(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ran]:
    """The slow upgrade as Azure tells it now, kept; and what was said about it."""
    file = tmp_path_factory.mktemp("cases") / "case.json"
    return file, pullwatch("diagnose", "--cluster", "prod-weu", "--pool", "apps", "--last", "45m", "--format", "json", "--save-case", file, environ=environ)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Case of a busy disk."""
    file = tmp_path_factory.mktemp("cases") / "small.json"
    file.write_bytes(encode(case(storm=STORM)))
    return file


class TestAskingAzure:
    def test_json_is_one_document_on_standard_output_and_names_the_cause(self, saved: tuple[Path, Ran], world: World) -> None:
        _, ran = saved
        assert ran.returncode == DONE, ran.stderr
        assert decode(ran.stdout, Diagnosis).cause == world.truths[0].cause
        assert "Reading Azure about prod-weu / apps" in ran.stderr

    def test_a_saved_case_gives_the_same_bytes_again_and_asks_azure_nothing(self, saved: tuple[Path, Ran]) -> None:
        file, ran = saved
        assert pullwatch("diagnose", "--case", file, "--format", "json").stdout == ran.stdout

    def test_a_saved_case_saved_again_is_the_same_file(self, saved: tuple[Path, Ran], tmp_path: Path) -> None:
        file, _ = saved
        pullwatch("diagnose", "--case", file, "--save-case", tmp_path / "again.json")
        assert (tmp_path / "again.json").read_bytes() == file.read_bytes()

    def test_from_and_to_look_at_that_time(self, environ: dict[str, str], world: World, tmp_path: Path) -> None:
        start, end = world.window_start.astimezone(UTC), world.window_end.replace(microsecond=0)
        ran = pullwatch("diagnose", "--cluster", world.truths[0].cluster_id.upper(), "--pool", "APPS", "--from", start.strftime("%Y-%m-%dT%H:%M"),
                        "--to", end.isoformat(), "--save-case", tmp_path / "case.json", environ=environ)
        assert ran.returncode == DONE, ran.stderr
        window = decode((tmp_path / "case.json").read_bytes(), Case).window
        assert (window.start, window.end) == (start.replace(second=0, microsecond=0), end)

    def test_an_unknown_cluster_is_told_with_those_there_are(self, environ: dict[str, str]) -> None:
        assert_one_sentence(pullwatch("diagnose", "--cluster", "nope", "--pool", "apps", environ=environ), AZURE_UNREADABLE, "nope", "prod-weu")

    def test_an_unknown_pool_is_told_with_those_there_are(self, environ: dict[str, str]) -> None:
        assert_one_sentence(pullwatch("diagnose", "--cluster", "prod-weu", "--pool", "nope", environ=environ), AZURE_UNREADABLE, "nope", "apps")

    @pytest.mark.parametrize("fault", [Fault(status=500), Fault(status=429, retry_after_seconds=0), Fault(reset=True)], ids=["500", "429", "reset"])
    def test_an_azure_that_fails_is_told_in_one_sentence_without_a_secret(self, azure: LocalAzure, environ: dict[str, str], fault: Fault) -> None:
        azure.faults.add("graph", fault)
        try:
            ran = pullwatch("diagnose", "--cluster", "prod-weu", "--pool", "apps", environ=environ | {"PULLWATCH_AZURE_BUDGET_SECONDS": "4"})
        finally:
            azure.faults.clear()
        assert_one_sentence(ran, AZURE_UNREADABLE, "Azure Resource Graph")
        assert environ["IDENTITY_HEADER"] not in ran.stderr

    def test_an_identity_that_is_refused_is_told_how_to_sign_in(self, azure: LocalAzure, environ: dict[str, str]) -> None:
        ran = pullwatch("diagnose", "--cluster", "prod-weu", "--pool", "apps", environ=environ | {"IDENTITY_HEADER": "wrong-header-value"})
        assert_one_sentence(ran, AZURE_UNREADABLE, "sign-in failed", "az login")
        assert "wrong-header-value" not in ran.stderr


class TestReplayingACase:
    def test_text_says_what_where_and_what_to_do(self, small: Path) -> None:
        ran = pullwatch("diagnose", "--case", small)
        assert ran.returncode == DONE
        assert [words for words in ("prod-weu / apps", "500 IOPS", "az aks nodepool add", "confidence") if words not in ran.stdout] == []
        assert ran.stderr == ""

    def test_teams_gets_a_message_with_an_adaptive_card(self, small: Path) -> None:
        message = json.loads(pullwatch("diagnose", "--case", small, "--format", "teams").stdout)
        (attachment,) = message["attachments"]
        assert (message["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
        assert (attachment["content"]["type"], attachment["content"]["version"]) == ("AdaptiveCard", "1.4")
        assert "500 IOPS" in json.dumps(attachment["content"]["body"])

    def test_slack_gets_blocks_and_a_text_for_notifications(self, small: Path) -> None:
        message = json.loads(pullwatch("diagnose", "--case", small, "--format", "slack").stdout)
        assert message["blocks"]
        assert "prod-weu" in message["text"]

    def test_json_is_one_document_also_when_the_cause_is_unknown(self, tmp_path: Path) -> None:
        blind = case(pulls=(), coverage=(Coverage("pulls", "missing", "Container insights is off.", "Turn it on."),))
        (tmp_path / "blind.json").write_bytes(encode(blind))
        ran = pullwatch("diagnose", "--case", tmp_path / "blind.json", "--format", "json", "--fail-on", "warning")
        assert (ran.returncode, json.loads(ran.stdout)["cause"]) == (DONE, "unknown")

    @pytest.mark.parametrize(("bad", "level", "code"), [(True, "warning", BAD_NEWS), (True, "critical", BAD_NEWS), (False, "notice", DONE)])
    def test_bad_news_is_an_exit_code_where_asked_for(self, tmp_path: Path, bad: bool, level: str, code: int) -> None:
        (tmp_path / "case.json").write_bytes(encode(case(storm=STORM) if bad else case(pulls=FAST)))
        ran = pullwatch("diagnose", "--case", tmp_path / "case.json", "--fail-on", level)
        assert ran.returncode == code
        assert ran.stdout

    def test_thresholds_of_the_settings_are_the_ones_that_judge(self, small: Path) -> None:
        ran = pullwatch("diagnose", "--case", small, "--format", "json", environ={"PULLWATCH_SLOW_PULL_SECONDS": "900", "PULLWATCH_SLOW_FACTOR": "50"})
        assert json.loads(ran.stdout)["cause"] == "healthy"


    def test_a_reader_that_has_seen_enough_is_no_error(self, small: Path) -> None:
        command = f"'{sys.executable}' pullwatch.py diagnose --format html --case '{small}' | head -c 1"
        ran = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603, S607
        assert (ran.returncode, ran.stdout, ran.stderr) == (DONE, "<", "")


class TestWrongUsage:
    @pytest.mark.parametrize(("arguments", "words"), [
        (["--cluster", "prod-weu"], ("--pool",)),
        (["--cluster", "c", "--pool", "p", "--last", "soon"], ("--last", "soon", "30m")),
        (["--cluster", "c", "--pool", "p", "--last", "0m"], ("--last", "0m")),
        (["--cluster", "c", "--pool", "p", "--to", "2026-11-24T10:00Z"], ("--from",)),
        (["--cluster", "c", "--pool", "p", "--from", "noon"], ("--from", "noon")),
        (["--cluster", "c", "--pool", "p", "--from", "2026-11-24T10:00Z", "--to", "2026-11-24T09:00Z"], ("--from", "--to")),
        (["--cluster", "c", "--pool", "p", "--last", "30m", "--from", "2026-11-24T10:00Z"], ("--last", "--from", "not both")),
        (["--case", "/nowhere/case.json"], ("/nowhere/case.json", "cannot be read")),
    ], ids=["no pool", "no span", "empty span", "to without from", "no time", "reversed", "two windows", "no file"])
    def test_is_told_in_one_sentence(self, arguments: list[str], words: tuple[str, ...]) -> None:
        assert_one_sentence(pullwatch("diagnose", *arguments), WRONG_USAGE, *words)

    @pytest.mark.parametrize(("content", "words"), [
        ("{", ("is no saved Case",)), ("[]", ("is no saved Case",)), ('{"id": "x"}', ("is no saved Case", "missing")), ("\0\1\2", ("is no saved Case",)),
    ], ids=["cut off", "a list", "almost empty", "binary"])
    def test_a_file_that_is_no_case_is_told_why(self, tmp_path: Path, content: str, words: tuple[str, ...]) -> None:
        (tmp_path / "no-case.json").write_text(content)
        assert_one_sentence(pullwatch("diagnose", "--case", tmp_path / "no-case.json"), WRONG_USAGE, "no-case.json", *words)

    def test_a_case_that_cannot_be_kept_is_told(self, small: Path, tmp_path: Path) -> None:
        assert_one_sentence(pullwatch("diagnose", "--case", small, "--save-case", tmp_path / "no" / "folder.json"), WRONG_USAGE, "folder.json")

    def test_a_wrong_setting_is_named(self, small: Path) -> None:
        ran = pullwatch("diagnose", "--case", small, environ={"PULLWATCH_QUEUE_DEPTH": "deep"})
        assert_one_sentence(ran, WRONG_USAGE, "PULLWATCH_QUEUE_DEPTH", "deep")

    def test_a_wrong_secret_setting_is_named_but_not_shown(self, small: Path) -> None:
        ran = pullwatch("diagnose", "--case", small, environ={"PULLWATCH_SLACK_URL": "http://hooks.example/T0/B0/topsecret"})
        assert_one_sentence(ran, WRONG_USAGE, "PULLWATCH_SLACK_URL", "https")
        assert "topsecret" not in ran.stderr

    def test_a_receiver_that_is_not_set_is_told_with_those_that_are(self) -> None:
        ran = pullwatch("send-test", "--receiver", "pager", environ={"PULLWATCH_SLACK_URL": "https://hooks.slack.com/services/T/B/x"})
        assert_one_sentence(ran, WRONG_USAGE, "'pager'", "slack")

    def test_a_scenario_that_does_not_exist_is_told_with_those_that_do(self) -> None:
        assert_one_sentence(pullwatch("demo", "nope"), WRONG_USAGE, "'nope'", "disk-iops")

    def test_storage_that_is_none_is_named_and_not_shown(self) -> None:
        ran = pullwatch("deliveries", environ={"AzureWebJobsStorage": "AccountKey=topsecret"})
        assert_one_sentence(ran, WRONG_USAGE, "AzureWebJobsStorage", "connection string")
        assert "topsecret" not in ran.stderr

    @pytest.mark.parametrize("arguments", [["deliveries"], ["redeliver", "--parked"]])
    def test_storage_that_is_away_is_told_in_one_sentence(self, arguments: list[str]) -> None:
        away = ";".join(f"{service}Endpoint=http://127.0.0.1:9/a" for service in ("Table", "Queue", "Blob"))
        ran = pullwatch(*arguments, environ={"AzureWebJobsStorage": f"DefaultEndpointsProtocol=http;AccountName=a;AccountKey=dG9wc2VjcmV0;{away}"})
        assert_one_sentence(ran, AZURE_UNREADABLE, "AzureWebJobsStorage")
        assert "dG9wc2VjcmV0" not in ran.stderr

    @pytest.mark.parametrize("arguments", [[], ["nope"], ["diagnose", "--format", "nope"]])
    def test_an_unknown_word_gets_the_usage(self, arguments: list[str]) -> None:
        ran = pullwatch(*arguments)
        assert (ran.returncode, ran.stdout) == (WRONG_USAGE, "")
        assert "usage: pullwatch" in ran.stderr


def test_a_newer_case_is_refused_in_one_sentence(tmp_path: Path) -> None:
    newer = replace(case(), version=99)
    (tmp_path / "newer.json").write_bytes(encode(newer))
    assert_one_sentence(pullwatch("diagnose", "--case", tmp_path / "newer.json"), WRONG_USAGE, "newer.json", "version 99", "update")


def test_a_window_in_the_future_is_refused(environ: dict[str, str]) -> None:
    start = datetime.now(UTC) + timedelta(hours=2)
    ran = pullwatch("diagnose", "--cluster", "prod-weu", "--pool", "apps", "--from", start.isoformat(), "--to", (start + timedelta(hours=1)).isoformat(), environ=environ)
    assert_one_sentence(ran, WRONG_USAGE, "--from", "future")
