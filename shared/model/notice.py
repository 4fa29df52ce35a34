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


class Notice(Value, frozen=True):
    """One thing worth telling, with all that a message about it needs."""

    id: str
    kind: Literal["opened", "changed", "resolved", "summary"]
    at: datetime
    reason: str
    """Why it is told, by name: ``incident_opened``, ``upgrade_ended``, …"""
    diagnosis: Diagnosis
    operation: Operation | None = None
    incident: Incident | None = None


class Delivery(Value, frozen=True):
    """One notice for one receiver: the ledger row."""

    id: str
    notice_id: str
    cluster_id: str
    receiver: str
    created_at: datetime
    updated_at: datetime
    status: Literal["pending", "sending", "delivered", "parked"] = "pending"
    attempts: int = 0
    due_at: datetime | None = None
    """Not to be tried before; None: at once."""
    unanswered: int = 0
    """Attempts of which nobody knows whether they arrived."""
    reason: str = ""
