"""A diagnosis, a fleet and progress on a terminal, with colour and bars. Needs rich; only the terminal imports it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.status import Status
from rich.table import Table
from rich.text import Text

from shared.model import Diagnosis, Notice
from shared.report.headline import Tone
from shared.report.literal import lines, one_line
from shared.report.message import COMMAND_CHARACTERS, Links, Message, build_message
from shared.report.page import Choice, remedies
from shared.report.page_stages import Stage, stages

BAR_WIDTH = 24
LINE = 400
_TONES: dict[Tone, str] = {"good": "green", "accent": "blue", "warning": "yellow", "attention": "red"}
_SIGNS = {"culprit": ("▲", "bold red"), "contributing": ("◆", "yellow"), "cleared": ("✓", "green"), "partly": ("◐", "dim"), "unknown": ("○", "dim")}


def render_rich(diagnosis: Diagnosis, links: Links) -> list[RenderableType]:
    """The verdict, the stages as bars, the evidence, and what to do."""
    notice = Notice(id=diagnosis.id, kind="opened", at=diagnosis.window.end, reason="asked", diagnosis=diagnosis)
    message = build_message(notice, links)
    tone = _TONES[message.status.tone]
    blocks: list[RenderableType] = [
        Text.assemble((f" {message.status.word} ", f"bold reverse {tone}"), " ", (message.headline, "bold")),
        *_lead(message, tone), Text(), _pipeline(stages(diagnosis)),
    ]
    blocks += _why(message)
    blocks += _remedies(*remedies(diagnosis))
    blocks += [Text(), *(_unbroken(f"{link.title}: {link.url}", "dim") for link in message.links), Text(message.footer, "dim")]
    return blocks


def _lead(message: Message, tone: str) -> list[RenderableType]:
    blocks: list[RenderableType] = []
    if message.bottleneck:
        confidence = f"  {message.confidence}" if message.confidence else ""
        blocks.append(Text.assemble((message.bottleneck, tone), (confidence, "dim")))
    return [*blocks, Text(message.impact)] if message.impact else blocks


def _pipeline(found: Sequence[Stage]) -> Table:
    table = Table.grid(padding=(0, 2))
    for stage in found:
        sign, style = _SIGNS[stage.state]
        table.add_row(Text(sign, style), Text(stage.name, style if stage.state == "culprit" else ""), Text(stage.word, style),
                      bar(stage.used_percent, style), Text(stage.used.rjust(5)), Text(stage.text, "dim"))
    return table


def bar(percent: float | None, style: str = "", width: int = BAR_WIDTH) -> Text:
    """A bar of fixed width; dots where nothing was measured."""
    if percent is None:
        return Text("·" * width, "dim")
    full = round(width * min(100.0, percent) / 100)
    return Text.assemble(("━" * full, style), ("─" * (width - full), "dim"))


def _why(message: Message) -> list[RenderableType]:
    texts = [*message.why, message.trend, *(f"Not seen: {text}" for text in message.not_seen)]
    shown = [Text(f"· {text}") for text in texts if text]
    return [Text(), Text("Why", "bold"), *shown] if shown else []


def _remedies(choices: Sequence[Choice], today: Choice | None) -> list[RenderableType]:
    if not choices:
        return []
    blocks: list[RenderableType] = [Text(), Text("Do", "bold")]
    if today:
        blocks.append(Text.assemble("   ", bar(today.percent, "dim"), f"  p95 {today.effect} today"))
    for number, choice in enumerate(choices, 1):
        lead = Text("✗  Not: " if choice.remedy.worse else f"{number}. ", "yellow" if choice.remedy.worse else "bold")
        blocks.append(Text.assemble(lead, one_line(choice.remedy.title, LINE)))
        blocks.append(Text.assemble("   ", bar(choice.percent, "yellow" if choice.remedy.worse else "green"), f"  p95 {choice.effect}"))
        if choice.remedy.note:
            blocks.append(Padding(Text(one_line(choice.remedy.note, LINE), "dim"), (0, 0, 0, 3)))
        if choice.remedy.command and not choice.remedy.worse:
            blocks += [_unbroken(f"   {line}", "cyan") for line in lines(choice.remedy.command, COMMAND_CHARACTERS).splitlines()]
    return blocks


def _unbroken(text: str, style: str) -> Text:
    """A line that is copied as a whole: the terminal breaks it, no newline does."""
    return Text(text, style, no_wrap=True)


def print_rich(blocks: Iterable[RenderableType], console: Console | None = None) -> None:
    """To standard output, in the terminal's width."""
    console = console or Console(highlight=False)
    for block in blocks:
        console.print(block, soft_wrap=isinstance(block, Text) and bool(block.no_wrap))


def progress(text: str) -> AbstractContextManager[object]:
    """A sign of life on standard error while something takes its time."""
    return Status(text, console=Console(stderr=True, highlight=False))


@contextmanager
def progress_bar(text: str, total: int) -> Iterator[Callable[[int], object]]:
    """A progress bar on standard error; the function it gives moves it on."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True, highlight=False), transient=True) as shown:
        task = shown.add_task(text, total=total)
        yield lambda steps: shown.advance(task, steps)


def pools_table(rows: Iterable[tuple[str, str, str]]) -> Table:
    """Rows of (cluster, pool, what the screening says)."""
    table = Table(box=None, header_style="bold", padding=(0, 3, 0, 0))
    for column in ("Cluster", "Pool", "Screening"):
        table.add_column(column)
    for cluster, pool, said in rows:
        table.add_row(Text(cluster), Text(pool), Text(said, "yellow" if said else ""))
    return table

