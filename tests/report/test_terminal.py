"""The diagnosis on a terminal: whole commands, words beside colours, no foreign escape codes."""

import io

import pytest
from rich.console import Console

from shared.model import Diagnosis
from shared.report.terminal import bar, pools_table, print_rich, progress_bar, render_rich
from tests.report.samples import DISK_IOPS, HEALTHY, HOSTILE_NAMES, LINKS, UNKNOWN, hostile


def printed(diagnosis: Diagnosis, width: int = 100, *, colour: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=colour, color_system="standard" if colour else None, highlight=False)
    print_rich(render_rich(diagnosis, LINKS), console)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_layer_severity_and_next_step_are_said_in_words() -> None:
    text = printed(DISK_IOPS)
    assert "Critical" in text
    assert "The OS disk is the bottleneck" in text
    assert "1. Ephemeral OS disk" in text
    assert "p95 about 55 s" in text


@pytest.mark.parametrize("width", [60, 100, 200])
def test_a_command_can_be_copied_as_a_whole(width: int) -> None:
    assert "--node-vm-size Standard_D4s_v3 --node-osdisk-type Ephemeral --node-osdisk-size 100" in printed(DISK_IOPS, width)


def test_the_binding_stage_has_a_word_and_a_sign() -> None:
    line = next(line for line in printed(DISK_IOPS).splitlines() if "OS disk  " in line)
    assert "▲" in line
    assert "Bottleneck" in line


def test_what_could_not_be_seen_has_no_bar() -> None:
    assert "Not seen" in printed(UNKNOWN)
    assert bar(None).plain == "·" * 24
    assert bar(150.0).plain == "━" * 24


def test_a_healthy_pool_is_a_few_lines() -> None:
    assert len(printed(HEALTHY).splitlines()) < 15


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_brings_no_escape_codes_and_no_markup(name: str) -> None:
    text = printed(hostile(name).diagnosis)
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_rich_markup_in_a_name_is_shown_as_it_is() -> None:
    assert "[red]x[/red]" in printed(hostile("[red]x[/red]").diagnosis, 200)


def test_suspects_stand_in_a_table() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(pools_table([("prod-weu", "apps", "a node is at one of its limits")]))
    assert "prod-weu" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_bar_moves_by_what_was_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("Screening", 3) as move_on:
        move_on(2)
        move_on(1)
    assert capsys.readouterr().out == ""
