"""The webhook's other body: the shape of Azure Monitor's common alert schema, for tools that read only that.

An imitation, and honest about it: ``monitoringService`` is ``Pullwatch``, and ``alertId`` is no Azure resource.
Source: "Common alert schema" in Azure Monitor's documentation.
"""

from datetime import datetime
from typing import Any, Literal

import msgspec

from shared.model import Bulletin, Notice, Severity, Value
from shared.notify.webhook import EventData, event, to_builtins

SCHEMA_ID = "azureMonitorCommonAlertSchema"
MONITORING_SERVICE = "Pullwatch"
_SEVERITIES = {Severity.CRITICAL: "Sev1", Severity.WARNING: "Sev2", Severity.NOTICE: "Sev3", Severity.OK: "Sev4"}


class Essentials(Value, frozen=True, rename="camel"):
    alert_id: str
    alert_rule: str
    severity: str
    signal_type: Literal["Metric"]
    monitor_condition: Literal["Fired", "Resolved"]
    monitoring_service: str
    alert_target_ids: tuple[str, ...] = msgspec.field(name="alertTargetIDs")
    configuration_items: tuple[str, ...]
    origin_alert_id: str
    """The same from an incident's opening to its end."""
    fired_date_time: datetime
    resolved_date_time: datetime | None
    description: str
    essentials_version: str = "1.0"
    alert_context_version: str = "1.0"


class AlertData(Value, frozen=True, rename="camel"):
    essentials: Essentials
    alert_context: dict[str, Any]
    """The ``data`` of the CloudEvent about the same."""
    custom_properties: dict[str, str]


class CommonAlert(Value, frozen=True, rename="camel"):
    data: AlertData
    schema_id: str = SCHEMA_ID


def render(fact: Notice | Bulletin) -> bytes:
    """The body: the same bytes for the same fact."""
    told = event(fact)
    essentials = _about_pullwatch(fact) if isinstance(fact, Bulletin) else _about_pool(fact)
    properties = {"type": told.type, "subject": told.subject}
    if isinstance(told.data, EventData):
        properties["cause"] = told.data.diagnosis.cause.value
    return msgspec.json.encode(CommonAlert(AlertData(essentials, to_builtins(told.data), properties)), order="deterministic")


def _about_pool(notice: Notice) -> Essentials:
    diagnosis, incident = notice.diagnosis, notice.incident
    over = notice.kind in ("resolved", "summary")
    return Essentials(
        alert_id=f"pullwatch/{notice.id}", alert_rule="Slow image pulls",
        severity=_SEVERITIES[incident.severity if incident else diagnosis.severity], signal_type="Metric",
        monitor_condition="Resolved" if over else "Fired", monitoring_service=MONITORING_SERVICE, alert_target_ids=(diagnosis.cluster.id,),
        configuration_items=(diagnosis.cluster.name, diagnosis.pool.name), origin_alert_id=incident.id if incident else notice.id,
        fired_date_time=incident.opened_at if incident else notice.at, resolved_date_time=notice.at if over else None,
        description=diagnosis.headline,
    )


def _about_pullwatch(bulletin: Bulletin) -> Essentials:
    return Essentials(
        alert_id=f"pullwatch/{bulletin.id}", alert_rule=f"Pullwatch {bulletin.kind}", severity=_SEVERITIES[bulletin.severity], signal_type="Metric",
        monitor_condition="Fired", monitoring_service=MONITORING_SERVICE, alert_target_ids=(), configuration_items=(),
        origin_alert_id=bulletin.id, fired_date_time=bulletin.at, resolved_date_time=None, description=bulletin.title,
    )
