"""The report: one self-contained HTML page about one diagnosis. It fetches nothing and needs no network.

Jinja2 escapes whatever comes from outside. Styles and scripts are the page's own and allowed by their hashes; there
are no inline handlers and no inline styles, so that ``policy`` can forbid everything else.
"""

import base64
import gzip
import hashlib
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import msgspec

from shared import units
from shared.model import (
    Case,
    Diagnosis,
    NodePool,
    Notice,
    OsDisk,
    Remedy,
    Thresholds,
    Verdict,
    encode,
)
from shared.report import layers
from shared.report.headline import predicted, status_of
from shared.report.literal import lines, one_line
from shared.report.message import Links, build_message
from shared.report.page_charts import Charts, charts
from shared.report.page_stages import stages

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")
MOST_EMBEDDED_BYTES = 1_500_000
"""A Case that is larger than this, compressed, is not carried in the page."""
SLOWEST_NODES = 10
TEXT_CHARACTERS = 4000
_UNIT = re.compile(r"(\d) (?=(?:×|%|s|min|h|IOPS|[kMGT]?B|[MG]B/s|GiB|Mbit/s|nodes?|of \d)(?!\w))")
_ORDER = (Verdict.CULPRIT, Verdict.CONTRIBUTING, Verdict.UNKNOWN, Verdict.CLEARED)
_VERDICT_WORDS = {Verdict.CULPRIT: "Bottleneck", Verdict.CONTRIBUTING: "Contributes", Verdict.CLEARED: "Clear", Verdict.UNKNOWN: "Not seen"}


class NodePulls(NamedTuple):
    """How one node fared."""

    node: str
    pulls: int
    slowest_seconds: float
    image: str


def render_report(case: Case, diagnosis: Diagnosis, limits: Thresholds, links: Links, *, made_at: datetime, case_href: str | None = None) -> str:
    """The page. ``case_href``: where the Case can be had; None: it is carried in the page, if it is not too large."""
    notice = Notice(id=diagnosis.id, kind="opened", at=diagnosis.window.end, reason="report", diagnosis=diagnosis)
    message = build_message(notice, links)
    drawn = charts(case, diagnosis, limits)
    return _page("report.html", {
        "case": case, "d": diagnosis, "message": message, "status": status_of(notice), "stages": stages(diagnosis), "charts": drawn,
        "facts": _facts(diagnosis), "remedies": remedies(diagnosis), "findings": sorted(diagnosis.findings, key=lambda f: _ORDER.index(f.verdict)),
        "nodes": slowest_nodes(case), "images": slowest_images(case), "about": _about(case, made_at),
        "portal": _portal(diagnosis, links), "runbook": links.runbook,
        "case_href": carried(case) if case_href is None else case_href, "case_name": f"pullwatch-case-{diagnosis.id}.json.gz",
        "data": _data(drawn),
    })


def render_page(template: str, values: dict[str, Any]) -> str:
    """Another page in the same dress."""
    return _page(template, values | {"data": "{}"})


def policy() -> str:
    """The Content-Security-Policy that every page fits: nothing but its own style, script and pictures."""
    return f"{_policy()}; frame-ancestors 'none'"


@cache
def _policy() -> str:
    style, script = (_hash((TEMPLATES / name).read_text()) for name in ("page.css", "page.js"))
    return f"default-src 'none'; style-src {style}; script-src {script}; img-src data:; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _page(template: str, values: dict[str, Any]) -> str:
    return environment().get_template(template).render(values)


@cache
def environment() -> "Environment":
    """Templates with escaping on, strict about names, and with numbers in people's form."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    found = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
                        finalize=_shown)
    found.filters |= {"tight": tight, "duration": units.duration, "number": units.number, "percent": units.percent, "clock": units.clock, "size": units.data_size}
    found.globals |= {
        "css": Markup((TEMPLATES / "page.css").read_text()), "js": Markup((TEMPLATES / "page.js").read_text()),  # noqa: S704 (our own files)
        "policy": _policy(), "verdict_words": _VERDICT_WORDS, "cause_names": layers.CAUSE_NAMES, "quantity": units.quantity, "counted": units.counted,
    }
    return found


def _shown(value: Any) -> Any:
    """Without characters that hide or reorder text; Jinja escapes what is left."""
    if isinstance(value, str) and not hasattr(value, "__html__") and not value.startswith("data:"):
        return lines(value, TEXT_CHARACTERS)
    return value


def tight(text: str) -> Any:
    """Escaped, with numbers kept on one line with their units: ``6 ×``, ``500 IOPS``."""
    from markupsafe import Markup, escape

    return Markup(_UNIT.sub("\\1\u00a0", str(escape(lines(text, TEXT_CHARACTERS)))).replace("≤ ", "≤\u00a0"))  # noqa: S704 (escaped here)


# --- what the page says ---


def _facts(diagnosis: Diagnosis) -> list[tuple[str, str, str]]:
    """(what, value, beside it)."""
    impact = diagnosis.impact
    usual = "usual unknown" if impact.baseline_p95_seconds is None else f"usually {units.duration(impact.baseline_p95_seconds)}"
    failed = units.UNKNOWN if impact.failed is None else f"{impact.failed:,} failed" if impact.failed else "none failed"
    slow = units.UNKNOWN if impact.slow is None else f"{impact.slow:,}"
    nodes = units.UNKNOWN if impact.nodes_affected is None else f"{impact.nodes_affected:,} of {impact.nodes_total:,}"
    minutes = "" if impact.slow_minutes is None else f"in {units.counted(impact.slow_minutes, 'minute')}"
    return [
        ("p95 pull", units.duration(impact.p95_seconds), usual),
        ("Median pull", units.duration(impact.p50_seconds), ""),
        ("Pulls", units.UNKNOWN if impact.pulls is None else f"{impact.pulls:,}", failed),
        ("Slow pulls", slow, minutes),
        ("Nodes affected", nodes, ""),
    ]


class Choice(NamedTuple):
    """A remedy beside the others, with the length of its bar."""

    remedy: Remedy
    effect: str
    percent: float | None
    """Of the longest of all, today's included."""


def remedies(diagnosis: Diagnosis) -> tuple[tuple[Choice, ...], Choice | None]:
    """The culprit's remedies, those to avoid last, and how it is today."""
    culprit, now = diagnosis.culprit, diagnosis.impact.p95_seconds
    found = sorted(culprit.remedies if culprit else (), key=lambda remedy: remedy.worse)
    longest = max([now or 0.0, *(r.p95_seconds or 0.0 for r in found)]) or 1.0
    today = None if now is None else Choice(Remedy("Today"), units.duration(now), round(100 * now / longest, 1))
    return tuple(_choice(remedy, longest) for remedy in found), today


def _choice(remedy: Remedy, longest: float) -> Choice:
    if remedy.p95_seconds is None:
        return Choice(remedy, "effect unknown", None)
    return Choice(remedy, predicted(remedy), round(100 * remedy.p95_seconds / longest, 1))


def slowest_images(case: Case, most: int = 10) -> list[tuple[str, int, float, int | None]]:
    """(image, pulls, slowest pull in seconds, bytes) of the images that took longest."""
    found: dict[str, list[tuple[float, int | None]]] = {}
    for pull in case.pulls:
        if pull.outcome == "pulled" and pull.seconds is not None:
            found.setdefault(pull.image, []).append((pull.seconds, pull.size_bytes))
    rows = [(image, len(pulls), max(s for s, _ in pulls), max((b for _, b in pulls if b), default=None)) for image, pulls in found.items()]
    return sorted(rows, key=lambda row: (-row[2], row[0]))[:most]


def slowest_nodes(case: Case) -> list[NodePulls]:
    """The nodes with the longest pulls, queueing included."""
    found: dict[str, list[tuple[float, str]]] = {}
    for pull in case.pulls:
        if pull.outcome == "pulled" and pull.seconds is not None:
            found.setdefault(pull.node, []).append((pull.seconds + (pull.waiting_seconds or 0.0), pull.image))
    rows = [NodePulls(node, len(pulls), *max(pulls)) for node, pulls in found.items()]
    return sorted(rows, key=lambda row: (-row.slowest_seconds, row.node))[:SLOWEST_NODES]


def _about(case: Case, made_at: datetime) -> list[tuple[str, str]]:
    pool = case.pool
    nodes = [(f"{m.vm.size}, {units.counted(len(m.nodes), 'node')}", _os_disk(m.os_disk)) for m in case.models]
    return [
        ("Cluster", case.cluster.id), _made_as(pool), ("Region", pool.location), ("VM size", pool.vm_size),
        *(nodes or [("OS disk", _os_disk(pool.os_disk))]),
        ("Kubernetes", f"{pool.kubernetes_version or 'version unknown'}, pulls {pool.pull_mode}"),
        ("Window", f"{units.clock(case.window.start)} to {units.clock(case.window.end)}"),
        ("Evidence gathered", units.clock(case.taken_at)), ("Page made", units.clock(made_at)), ("Case", case.id),
    ]


def _made_as(pool: NodePool) -> tuple[str, str]:
    if pool.vmss_id:
        return "Scale set", pool.vmss_id
    return "Nodes", "auto-provisioned virtual machines" if pool.kind == "auto_provisioned" else "virtual machines of their own"


def _os_disk(disk: OsDisk) -> str:
    size = f"{disk.size_gib:,} GiB" if disk.size_gib else "size unknown"
    limit = f"{units.number(disk.iops)} IOPS, {units.data_rate(disk.bytes_per_second)}"
    return " ".join(part for part in (disk.kind, disk.tier, size) if part) + f" ({limit})"


def _portal(diagnosis: Diagnosis, links: Links) -> str:
    return f"{links.portal}/#resource{quote(diagnosis.cluster.id)}/nodePools"


def carried(case: Case) -> str:
    """The Case as a ``data:`` address, the same for the same Case; empty if it is too large."""
    packed = gzip.compress(encode(case), mtime=0)
    return "" if len(packed) > MOST_EMBEDDED_BYTES else "data:application/gzip;base64," + base64.b64encode(packed).decode()


def _data(drawn: Charts) -> Any:
    """What the script needs to say what is under the pointer: JSON that cannot end the element it stands in."""
    from markupsafe import Markup

    readings = [drawn.pulls.readings] if drawn.pulls else []
    readings += [panel.readings for panel in drawn.panels]
    heat = {"nodes": [one_line(n, TEXT_CHARACTERS) for n in drawn.heat.nodes], "readings": drawn.heat.readings} if drawn.heat else None
    text = msgspec.json.encode({"times": drawn.line.clocks(), "readings": readings, "heat": heat}).decode()
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 (escaped here)
