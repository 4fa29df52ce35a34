"""Raw Event Grid JSON → ``Wake``: what happened, to which pool.

Both schemas (Event Grid's own and CloudEvents 1.0), one object or a list, from either trigger.
Nothing here raises: an event that cannot be used becomes a ``Wake`` of kind ``rejected`` (broken) or
``ignored`` (none of our business) with its reason, so that it is recorded and not tried for ever.
Claims and request details of an event are never copied.

Source of names and shapes: "AKS as an Event Grid source", "Azure subscription and resource group
events", "Azure Resource Notifications – Container Service events".
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

from shared.azure_ids import segment
from shared.model import Wake

UPGRADE_STARTED = "Microsoft.ContainerService.NodePoolRollingStarted"
UPGRADE_SUCCEEDED = "Microsoft.ContainerService.NodePoolRollingSucceeded"
UPGRADE_FAILED = "Microsoft.ContainerService.NodePoolRollingFailed"
RESOURCE_WRITTEN = "Microsoft.Resources.ResourceWriteSuccess"
RESOURCE_ACTION = "Microsoft.Resources.ResourceActionSuccess"
SCHEDULED_EVENT = "Microsoft.ResourceNotifications.ContainerServiceEventResources.ScheduledEventEmitted"

SCALE_SET_WRITE = "microsoft.compute/virtualmachinescalesets/write"
SCALE_SET_DELETE_INSTANCES = "microsoft.compute/virtualmachinescalesets/delete/action"
AGENT_POOL_WRITE = "microsoft.containerservice/managedclusters/agentpools/write"

MOST_CHARACTERS = 1000
"""Longer than any id or name of Azure's; a property of a table's row holds 32,768."""
NO_REAL_YEAR = 2000
"""Azure writes ``0001-01-01`` where it has no time."""

Json = dict[str, Any]
UpgradeKind = Literal["upgrade_started", "upgrade_succeeded", "upgrade_failed"]


def parse(text: str | bytes) -> tuple[Wake, ...]:
    """The wakes in one delivery: as many as it holds events, at least one."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return (rejected("it is no JSON"),)
    events = body if isinstance(body, list) else [body]
    return tuple(_parse_one(event) for event in events) or (rejected("it is an empty list"),)


def rejected(reason: str, event_id: str = "") -> Wake:
    return Wake(kind="rejected", event_id=event_id, reason=reason)


def _parse_one(event: Any) -> Wake:
    if not isinstance(event, dict):
        return rejected("it is no JSON object")
    kind = event.get("eventType") or event.get("type")
    event_id = _text(event.get("id"))
    if not isinstance(kind, str) or not kind:
        return rejected("it names no event type", event_id)
    try:
        wake = _READERS.get(kind.lower(), _ignore)(event)
        return _with(wake, event_id=event_id, at=_time(event))
    except ValueError as error:
        return rejected(str(error), event_id)


def _with(wake: Wake, **changes: Any) -> Wake:
    from msgspec.structs import replace

    return replace(wake, **changes)


def _upgrade(kind: UpgradeKind) -> Callable[[Json], Wake]:
    def read(event: Json) -> Wake:
        pool = _text(_data(event).get("nodePoolName"))
        if not pool:
            raise ValueError("data.nodePoolName is missing")
        return Wake(kind=kind, cluster_id=_cluster_id(_source(event)), pool=pool)

    return read


def _resource_change(event: Json) -> Wake:
    """A write or action on some resource: ours only if it is a scale set or an agent pool."""
    data = _data(event)
    operation = _text(data.get("operationName")).lower()
    target = _text(data.get("resourceUri")) or _text(event.get("subject"))
    if operation in (SCALE_SET_WRITE, SCALE_SET_DELETE_INSTANCES):
        if not segment(target, "virtualMachineScaleSets"):
            raise ValueError("data.resourceUri names no scale set")
        shrunk = operation == SCALE_SET_DELETE_INSTANCES
        return Wake(kind="scale_set_shrunk" if shrunk else "scale_set_written", vmss_id=target)
    if operation == AGENT_POOL_WRITE:
        return Wake(kind="scale_set_written", cluster_id=_cluster_id(target), pool=segment(target, "agentPools"))
    return Wake(kind="ignored", reason=f"operation {operation[:100] or 'unnamed'} is not watched")


def _maintenance(event: Json) -> Wake:
    data = _data(event)
    info = data.get("resourceInfo")
    properties = info.get("properties") if isinstance(info, dict) else None
    if not isinstance(properties, dict):
        raise ValueError("data.resourceInfo.properties is missing")
    subject = _text(event.get("subject")) or _text(info.get("id") if isinstance(info, dict) else "")
    status, details = _text(properties.get("eventStatus")), _text(properties.get("eventDetails"))
    return Wake(kind="maintenance", cluster_id=_cluster_id(subject), reason=f"{status}: {details}"[:300])


def _ignore(event: Json) -> Wake:
    kind = _text(event.get("type")) or _text(event.get("eventType"))
    return Wake(kind="ignored", reason=f"event type {kind[:150]} is not watched")


_READERS: dict[str, Callable[[Json], Wake]] = {
    UPGRADE_STARTED.lower(): _upgrade("upgrade_started"),
    UPGRADE_SUCCEEDED.lower(): _upgrade("upgrade_succeeded"),
    UPGRADE_FAILED.lower(): _upgrade("upgrade_failed"),
    RESOURCE_WRITTEN.lower(): _resource_change,
    RESOURCE_ACTION.lower(): _resource_change,
    SCHEDULED_EVENT.lower(): _maintenance,
}


def _data(event: Json) -> Json:
    data = event.get("data")
    if isinstance(data, str):  # data may arrive as JSON text inside the JSON
        try:
            data = json.loads(data)
        except (ValueError, RecursionError):
            data = None
    if not isinstance(data, dict):
        raise ValueError("its data is missing")
    return data


def _source(event: Json) -> str:
    return _text(event.get("source")) or _text(event.get("topic"))


def _cluster_id(resource_id: str) -> str:
    """``/subscriptions/…/managedClusters/NAME``, whatever hangs below it. Raises ``ValueError``."""
    name, subscription = segment(resource_id, "managedClusters"), segment(resource_id, "subscriptions")
    if not name or not subscription:
        raise ValueError("it names no AKS cluster")
    end = resource_id.lower().index("/managedclusters/") + len("/managedclusters/") + len(name)
    return resource_id[:end]


def _time(event: Json) -> datetime | None:
    """Event time in UTC; None where it is not told. Fractions of any length and any offset; none given means UTC."""
    text = _text(event.get("time")) or _text(event.get("eventTime"))
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.year < NO_REAL_YEAR:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"its time {text[:40]!r} is no ISO 8601 time") from None


def _text(value: Any) -> str:
    """Text that can be stored: of bounded length, and JSON may hold half a surrogate pair, UTF-8 may not."""
    return value.strip()[:MOST_CHARACTERS].encode("utf-8", "replace").decode() if isinstance(value, str) else ""
