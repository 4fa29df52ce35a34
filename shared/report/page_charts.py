"""Which charts a report shows, in which order, and with which limits."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.model import Case, Cause, Diagnosis, Pull, Thresholds
from shared.report.chart import (
    NAME_CHARACTERS,
    Panel,
    Tick,
    Timeline,
    bars,
    by_node,
    highest,
    panel,
    round_up,
    timeline,
    told,
)
from shared.report.chart_heat import Heat, heat
from shared.report.literal import one_line

MOST_PANELS = 6
LONGEST_SECONDS = 86_400.0
"""A pull that claims more is a misreading."""
HEADROOM = 1.25
"""Above the bars stands the operation's name."""
NEAR_PERCENT = 50.0
"""A VM's cap that nobody came this near to needs no chart."""
FEWEST_NODES = 2
"""With fewer, a heat strip says nothing that the line above it does not."""



class Gauge(NamedTuple):
    """A metric as people know it."""

    metric: str
    title: str
    unit: str
    layer: str
    scale: float = 1.0


GAUGES = (
    Gauge("OS Disk Queue Depth", "OS disk queue depth", "", "disk"),
    Gauge("OS Disk IOPS Consumed Percentage", "OS disk IOPS used", "%", "disk"),
    Gauge("OS Disk Bandwidth Consumed Percentage", "OS disk bandwidth used", "%", "disk"),
    Gauge("VM Cached IOPS Consumed Percentage", "VM cached IOPS used", "%", "disk"),
    Gauge("VM Cached Bandwidth Consumed Percentage", "VM cached bandwidth used", "%", "disk"),
    Gauge("VM Uncached Bandwidth Consumed Percentage", "VM uncached bandwidth used", "%", "disk"),
    Gauge("VM Uncached IOPS Consumed Percentage", "VM uncached IOPS used", "%", "disk"),
    Gauge("Percentage CPU", "CPU", "%", "cpu"),
    Gauge("Network In Total", "Network in", "Mbit/s", "network", 8 / 60 / 1e6),
)
"""Azure Monitor's names. Network is bytes a minute there; what is usual of it may be bytes of longer steps, and is not drawn."""


class Pulls(NamedTuple):
    """Pulls that went on, column by column."""

    slow: str
    others: str
    top: str
    summary: str
    readings: tuple[str, ...]


class Charts(NamedTuple):
    line: Timeline
    operation: tuple[float, float, str] | None
    """Left edge and width in percent, and its name."""
    pulls: Pulls | None
    panels: tuple[Panel, ...]
    heat: Heat | None

    @property
    def ticks(self) -> tuple[Tick, ...]:
        return self.line.ticks()


def charts(case: Case, diagnosis: Diagnosis, limits: Thresholds) -> Charts:
    line = timeline(case.window)
    measured = [(gauge, rows) for gauge in GAUGES if (rows := by_node(case, gauge.metric, line, gauge.scale))]
    measured = sorted((pair for pair in measured if _matters(*pair)), key=lambda pair: _rank(pair[0], diagnosis))
    drawn = [_panel(case, gauge, rows, line, limits, diagnosis) for gauge, rows in measured[:MOST_PANELS]]
    registry = _registry(case, line, diagnosis)
    panels = [*registry, *drawn] if diagnosis.cause.layer == "registry" else [*drawn, *registry]
    return Charts(line, _operation(diagnosis, line), _pulls(case, line, slow_from_seconds(case, limits)), tuple(filter(None, panels)),
                  _heat(case, measured, line, limits))


def _matters(gauge: Gauge, rows: dict[str, list[float | None]]) -> bool:
    return not gauge.metric.startswith("VM") or highest(rows.values()) >= NEAR_PERCENT


def _rank(gauge: Gauge, diagnosis: Diagnosis) -> tuple[bool, bool]:
    """The deciding metric first, then its layer, then the usual order."""
    return gauge.metric != (diagnosis.chart.metric if diagnosis.chart else ""), gauge.layer != diagnosis.cause.layer


def _panel(case: Case, gauge: Gauge, rows: dict[str, list[float | None]], line: Timeline, limits: Thresholds, diagnosis: Diagnosis) -> Panel | None:
    usual = (case.baseline.metrics if case.baseline else {}).get(gauge.metric)
    decides = diagnosis.chart is not None and diagnosis.chart.metric == gauge.metric
    return panel(gauge.title, rows, line, unit=gauge.unit, limit=_limit(case, gauge, limits),
                 usual=usual.p50 if usual and gauge.scale == 1 else None, decides=decides)


def _limit(case: Case, gauge: Gauge, limits: Thresholds) -> float | None:
    match gauge.layer:
        case "network":
            bits = case.pool.vm.network_bits_per_second
            return bits / 1e6 if bits else None
        case "cpu":
            return limits.cpu_percent
        case _:
            return 100.0 if gauge.unit == "%" else limits.queue_depth


def _heat(case: Case, measured: list[tuple[Gauge, dict[str, list[float | None]]]], line: Timeline, limits: Thresholds) -> Heat | None:
    """Of the first metric that has a limit and several nodes."""
    for gauge, rows in measured:
        full = _limit(case, gauge, limits)
        if full and len(rows) >= FEWEST_NODES:
            return heat(gauge.title, rows, line, unit=gauge.unit, full=full)
    return None


def _registry(case: Case, line: Timeline, diagnosis: Diagnosis) -> list[Panel | None]:
    """Requests a minute, and those refused if any were. The log is a lower bound."""
    requests = _logged(case, line, [float(minute.requests) for minute in case.registry_minutes])
    refused = _logged(case, line, [float(minute.throttled) for minute in case.registry_minutes])
    limit = min((r.identity_requests_per_minute for r in case.registries if r.identity_requests_per_minute), default=None)
    near = limit is not None and highest(requests.values()) * 4 >= limit
    decides = diagnosis.cause is Cause.REGISTRY_THROTTLED
    shown = [panel("Registry requests logged", requests, line, unit="a minute", limit=limit if near else None, decides=decides,
                   gap="nothing logged")]
    if highest(refused.values()):
        shown.append(panel("Registry requests refused (429)", refused, line, unit="a minute", decides=decides, gap="nothing logged"))
    return shown


def _logged(case: Case, line: Timeline, counts: list[float]) -> dict[str, list[float | None]]:
    """Registry → the highest count of a minute in every column."""
    rows: dict[str, list[float | None]] = {}
    for minute, count in zip(case.registry_minutes, counts, strict=True):
        column = line.column(minute.at)
        if 0 <= column < line.columns:
            row = rows.setdefault(one_line(minute.login_server, NAME_CHARACTERS), [None] * line.columns)
            row[column] = max(row[column] or 0.0, count)
    return rows


# --- pulls ---


def slow_from_seconds(case: Case, limits: Thresholds) -> float:
    """From when on a pull of this pool is called slow."""
    usual = case.baseline.p95_seconds if case.baseline else None
    return limits.slow_pull_seconds if usual is None else min(limits.slow_pull_seconds, max(limits.slow_floor_seconds, limits.slow_factor * usual))


def _pulls(case: Case, line: Timeline, slow_from: float) -> Pulls | None:
    if not case.pulls:
        return None
    slow, others, failed = ([0.0] * line.columns for _ in range(3))
    for start, end in _waits(case.pulls):
        row = slow if (end - start).total_seconds() >= slow_from else others
        for column in range(max(0, line.column(start)), min(line.columns - 1, line.column(end)) + 1):
            row[column] += 1
    for pull in case.pulls:
        if pull.outcome == "failed" and 0 <= line.column(pull.at) < line.columns:
            failed[line.column(pull.at)] += pull.count
    top = max(1.0, *(a + b for a, b in zip(slow, others, strict=True)))
    readings = tuple(_pulls_reading(*column) for column in zip(slow, others, failed, strict=True))
    summary = f"up to {told(top, '')} at the same time, up to {told(max(slow), '')} in slow pulls"
    room = round_up(top * HEADROOM)
    return Pulls(bars(slow, [0.0] * line.columns, room), bars(others, slow, room), told(room, ""), summary, readings)


def _waits(pulls: Iterable[Pull]) -> list[tuple[datetime, datetime]]:
    """From the first attempt of each container to its last: a pull that was refused and tried again is one wait."""
    spans: dict[object, tuple[datetime, datetime]] = {}
    for number, pull in enumerate(pulls):
        seconds = min((pull.seconds or 0.0) + (pull.waiting_seconds or 0.0), LONGEST_SECONDS)
        start = min(pull.first_at or pull.at, pull.at - timedelta(seconds=seconds))
        key = (pull.pod, pull.image) if pull.pod else number
        known = spans.get(key, (start, pull.at))
        spans[key] = min(start, known[0]), max(pull.at, known[1])
    return list(spans.values())


def _pulls_reading(slow: float, others: float, failed: float) -> str:
    return f"{slow:.0f} slow, {others:.0f} others going on" + (f", {failed:.0f} attempts failed" if failed else "")


def _operation(diagnosis: Diagnosis, line: Timeline) -> tuple[float, float, str] | None:
    operation = diagnosis.operation
    if operation is None:
        return None
    left, right = line.percent(operation.started_at), line.percent(operation.ended_at or line.time(line.columns))
    name = {"upgrade": "Upgrade", "scale_out": "Scale-out", "maintenance": "Maintenance"}[operation.kind]
    return left, round(max(0.5, right - left), 2), f"{name} to {operation.target}" if operation.target else name
