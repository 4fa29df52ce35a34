"""What wakes us, and what is told: events, incidents, notices, deliveries."""

from datetime import datetime
from typing import Literal

from shared.model.base import Cause, Severity, Value
from shared.model.case import Operation
from shared.model.diagnosis import Diagnosis


class Wake(Value, frozen=True):
    """What an event, a timer or a person asked to look at."""

    kind: Literal[
        "upgrade_started", "upgrade_succeeded", "upgrade_failed",
        "scale_set_written", "scale_set_shrunk", "maintenance", "ignored", "rejected",
    ]
    event_id: str = ""
    at: datetime | None = None
    cluster_id: str = ""
    pool: str = ""
    vmss_id: str = ""
    reason: str = ""
    """Why it is ignored or rejected, or what a maintenance event says."""


class Incident(Value, frozen=True):
    id: str
    cluster_id: str
    pool: str
    cause: Cause
    severity: Severity
    opened_at: datetime
    changed_at: datetime
    resolved_at: datetime | None = None
    calm_checks: int = 0
    """Assessments in a row that found nothing wrong: enough of them resolve the incident."""


class Notice(Value, frozen=True, tag="notice"):
    """One thing worth telling, with all that a message about it needs."""

    id: str
    kind: Literal["opened", "changed", "resolved", "summary"]
    at: datetime
    reason: str
    """Why it is told, by name: ``incident_opened``, ``upgrade_ended``, …"""
    diagnosis: Diagnosis
    operation: Operation | None = None
    incident: Incident | None = None
    woken_at: datetime | None = None
    """When the event happened that this is the first or the last word on, or the screening asked; None: a later word, or a reminder."""


class Item(Value, frozen=True):
    """One pool's line in a message about several."""

    kind: Literal["opened", "changed", "resolved", "summary", "still"]
    pool: str
    severity: Severity
    """The worst its incident reached; without one, that of the diagnosis."""
    cause: Cause
    at: datetime
    sign: str
    text: str
    notice_id: str = ""
    """The notice that told it last."""
    incident_id: str = ""
    woken_at: datetime | None = None
    """As in its notice."""


class Group(Value, frozen=True, tag="group"):
    """One message about several pools of a cluster: what changed, and what goes on."""

    id: str
    at: datetime
    reason: str
    cluster_id: str
    cluster_name: str
    items: tuple[Item, ...]
    """What changed, worst first."""
    still: tuple[Item, ...] = ()
    """Open incidents that did not change, worst first."""
    lead: Notice | None = None
    """The worst of them in full."""


class Bulletin(Value, frozen=True, tag="bulletin"):
    """Something about Pullwatch itself, or about a week: lines, no diagnosis."""

    id: str
    kind: Literal["health", "digest", "test"]
    at: datetime
    severity: Severity
    title: str
    lines: tuple[str, ...] = ()


type Content = Notice | Group | Bulletin
"""What one delivery tells."""


class Delivery(Value, frozen=True):
    """One content for one receiver: the ledger row."""

    id: str
    notice_id: str
    """Id of what is told, and the name of the blob that holds it."""
    cluster_id: str
    receiver: str
    """``teams``, or ``teams:payments`` for a further one of that kind."""
    created_at: datetime
    updated_at: datetime
    status: Literal["pending", "sending", "delivered", "parked"] = "pending"
    attempts: int = 0
    due_at: datetime | None = None
    """Not to be tried before; None: at once."""
    turn_at: datetime | None = None
    """Its turn at the receiver, kept free for it; None: it has none yet."""
    unanswered: int = 0
    """Attempts of which nobody knows whether they arrived."""
    reason: str = ""
