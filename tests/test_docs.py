"""What the pages say can be done, can be done: commands, links, settings, queries."""

import argparse
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import duckdb_kql
import pytest

import pullwatch
from shared import settings

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
QUERIES = sorted((ROOT / "docs" / "queries").glob("*.kql"))
OF_AZD = {"PULLWATCH_EVENT_DELIVERY", "PULLWATCH_SCALE_EVENTS", "PULLWATCH_MAINTENANCE_EVENTS", "PULLWATCH_ALWAYS_READY"}
"""Parameters of the deployment, in ``infra/main.parameters.json``."""
FAMILIES = re.compile(r"PULLWATCH_(TEAMS_URL|SLACK_URL|WEBHOOK_URL|WEBHOOK_SECRET|EVENTGRID_ENDPOINT)_\w*")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def commands(text: str, first: str) -> Iterator[list[str]]:
    """Every invocation of ``first``, in a block or in backticks, without its comment."""
    for line in re.findall(rf"(?:^|`)[^`\n]*?{re.escape(first)}( [^`\n]*)?", text, re.MULTILINE):
        yield shlex.split(line.replace("…", "X").replace("\\", ""), comments=True)


@each_page
def test_every_invocation_of_pullwatch_is_one_that_it_understands(page: Path) -> None:
    parser = pullwatch._parser()
    for arguments in commands(page.read_text(), "python pullwatch.py"):
        if arguments and not set(arguments) & {"..."}:
            options = parser.parse_args([_concrete(argument) for argument in arguments])
            assert isinstance(options, argparse.Namespace)


def _concrete(argument: str) -> str:
    """``--format json|teams`` stands for each of them."""
    return argument.split("|", maxsplit=1)[0]


@each_page
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make (\w+)", page.read_text(), re.MULTILINE))
    assert named <= targets


@each_page
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text()):
        assert (page.parent / target).exists(), target


@each_page
def test_every_setting_that_is_named_exists(page: Path) -> None:
    outputs = set(re.findall(r"(?m)^output (\w+)", (ROOT / "infra" / "main.bicep").read_text()))
    known = {settings.env_name(field) for field in settings.Settings.__struct_fields__} | OF_AZD | outputs
    named = set(re.findall(r"\bPULLWATCH_[A-Z_]*[A-Z]\b(?!_)", page.read_text()))
    assert {name for name in named - known if not FAMILIES.fullmatch(name)} == set()


def test_the_parameters_of_the_deployment_are_those_that_azd_reads() -> None:
    read = set(re.findall(r"\$\{(\w+)", (ROOT / "infra" / "main.parameters.json").read_text()))
    assert OF_AZD | {"VNET_ENABLED"} <= read
    deploy = (ROOT / "docs" / "deploy.md").read_text()
    assert set(re.findall(r"azd env set (\w+)", deploy + (ROOT / "README.md").read_text())) <= read


@each_page
def test_every_file_of_the_code_that_is_named_exists(page: Path) -> None:
    for name in re.findall(r"`((?:shared|functions|local|infra|samples)/[\w/.]+?\.(?:py|json|bicep))`", page.read_text()):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.name)
def test_every_query_is_valid_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("// ")
    assert duckdb_kql.validate(text) == []


def test_the_workbook_shows_exactly_the_queries_of_the_folder() -> None:
    items = json.loads((ROOT / "docs" / "workbook.json").read_text())["items"]
    shown = {item["name"]: item["content"]["query"] for item in items if item["type"] == 3}
    assert shown == {path.stem: path.read_text() for path in QUERIES}
