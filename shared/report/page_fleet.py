"""The fleet on one page, and the pages that say why there is none."""

from datetime import datetime
from typing import Literal

from shared import units
from shared.model import Delivery, Incident, Operation, Severity, Value
from shared.report.layers import CAUSE_NAMES
from shared.report.page import render_page

MOST_DELIVERIES = 50

type Problem = Literal["missing", "expired", "refused", "off"]


class PoolLine(Value, frozen=True):
    """What is on record about one pool."""

    cluster: str
    pool: str
    nodes: int | None = None
    incident: Incident | None = None
    operation: Operation | None = None
    looked_at: datetime | None = None
    report_url: str = ""
    """The report behind the open incident; empty: there is none."""


def render_fleet(pools: list[PoolLine], deliveries: list[Delivery], *, now: datetime) -> str:
    """Troubled pools first, then those with something going on, then the calm ones by name."""
    return render_page("fleet.html", {
        "pools": sorted(pools, key=_rank), "now": now, "cause_names": CAUSE_NAMES, "age": lambda at: _age(at, now),
        "incidents": sum(p.incident is not None for p in pools), "operations": sum(p.operation is not None for p in pools),
        "receivers": _receivers(deliveries), "parked": [d for d in deliveries if d.status == "parked"][:MOST_DELIVERIES],
    })


def render_problem(problem: Problem) -> str:
    """Why a link opens nothing, and what to do."""
    title, text = _PROBLEMS[problem]
    return render_page("problem.html", {"title": title, "text": text})


_PROBLEMS: dict[Problem, tuple[str, str]] = {
    "missing": ("There is no such report", "Reports are kept for a while (PULLWATCH_KEEP_DAYS) and then deleted. "
                "To look at the pool as it is now: pullwatch.py diagnose --cluster NAME --pool NAME"),
    "expired": ("This link has expired", "Links work for a limited time (PULLWATCH_LINK_HOURS), because whoever has one can read the page. "
                "A later message about the same incident holds a fresh one; pullwatch.py link makes one."),
    "refused": ("This link is not valid", "It is incomplete, was changed on its way, or was signed with an older key. "
                "Open it from the original message; chats sometimes cut long addresses."),
    "off": ("Report links are switched off", "Set PULLWATCH_PUBLIC_URL to the address of this app and PULLWATCH_LINK_SECRET to a long random text."),
}


def _rank(line: PoolLine) -> tuple[int, bool, str, str]:
    severity = line.incident.severity.rank if line.incident else Severity.OK.rank
    return -severity, line.operation is None, line.cluster, line.pool


def _age(at: datetime | None, now: datetime) -> str:
    return "not yet" if at is None else f"{units.duration(max(0.0, (now - at).total_seconds()))} ago"


class ReceiverLine(Value, frozen=True):
    name: str
    delivered: int
    waiting: int
    parked: int
    last: datetime | None


def _receivers(deliveries: list[Delivery]) -> list[ReceiverLine]:
    names = sorted({d.receiver for d in deliveries})
    return [_receiver(name, [d for d in deliveries if d.receiver == name]) for name in names]


def _receiver(name: str, mine: list[Delivery]) -> ReceiverLine:
    count = {status: sum(d.status == status for d in mine) for status in ("delivered", "pending", "sending", "parked")}
    last = max((d.updated_at for d in mine if d.status == "delivered"), default=None)
    return ReceiverLine(name, count["delivered"], count["pending"] + count["sending"], count["parked"], last)
