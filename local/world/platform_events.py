"""What Event Grid posts: node pool rolling events and writes of the scale set, in both schemas."""

from datetime import datetime
from typing import Any

from local.world.arm import SUBSCRIPTION, TENANT, guid
from local.world.resources import cluster_id, node_resource_group, scale_set_id
from local.world.run import Story
from local.world.scenario import Upgrade
from local.world.types import TimedEvent

ROLLING = "Microsoft.ContainerService.NodePoolRolling"
DELIVERY_SECONDS = 4


def platform_events(story: Story) -> list[TimedEvent]:
    """All events in order; of single machines nobody is told. Even seeds post CloudEvents, odd seeds Event Grid's own schema."""
    cloud = story.seed % 2 == 0
    writes_at = story.plan.writes_at if story.names.pool_kind == "scale_set" else []
    events = [_scale_set_written(story, at, cloud=cloud) for at in writes_at]
    if isinstance(story.scenario.operation, Upgrade):
        events.append(_rolling(story, "Started", story.start, cloud=cloud))
        events.append(_rolling(story, "Succeeded", story.stop, cloud=cloud))
    return sorted(events, key=lambda event: event.at)


def _rolling(story: Story, what: str, at: float, *, cloud: bool) -> TimedEvent:
    identity = guid(story.scenario.name, story.seed, what).replace("-", "") + "00000000"
    body = _envelope(
        source=cluster_id(story), subject=story.scenario.cluster, kind=ROLLING + what, at=story.at(at), identity=identity,
        data={"nodePoolName": story.scenario.pool}, version="1", cloud=cloud,
    )
    return TimedEvent(at=story.at(at + DELIVERY_SECONDS), body=body)


def _scale_set_written(story: Story, at: float, *, cloud: bool) -> TimedEvent:
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{node_resource_group(story)}"
    body = _envelope(
        source=group, subject=scale_set_id(story), kind="Microsoft.Resources.ResourceWriteSuccess", at=story.at(at),
        identity=guid(story.scenario.name, story.seed, "write", at), data=_write(story, at, group), version="2", cloud=cloud,
    )
    return TimedEvent(at=story.at(at + DELIVERY_SECONDS), body=body)


def _write(story: Story, at: float, group: str) -> dict[str, Any]:
    target, operation = scale_set_id(story), "Microsoft.Compute/virtualMachineScaleSets/write"
    evidence = {"role": "Contributor", "roleAssignmentScope": group, "principalType": "ServicePrincipal"}
    return {
        "authorization": {"scope": target, "action": operation, "evidence": evidence},
        "claims": {"aud": "https://management.azure.com/", "appid": guid(story.scenario.cluster, "app"), "ver": "1.0"},
        "correlationId": guid(story.scenario.name, story.seed, at),
        "httpRequest": {
            "clientRequestId": guid(story.seed, at), "clientIpAddress": "203.0.113.10", "method": "PUT",
            "url": f"https://management.azure.com{target}?api-version=2022-03-01",
        },
        "resourceProvider": "Microsoft.Compute", "resourceUri": target, "operationName": operation, "status": "Succeeded",
        "subscriptionId": SUBSCRIPTION, "tenantId": TENANT,
    }


def _envelope(
    *, source: str, subject: str, kind: str, at: datetime, identity: str, data: dict[str, Any], version: str, cloud: bool,
) -> dict[str, Any]:
    time = at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond:06d}0Z"
    if cloud:
        return {"source": source, "subject": subject, "type": kind, "time": time, "id": identity, "data": data,
                "specversion": "1.0"}
    return {"topic": source, "subject": subject, "eventType": kind, "eventTime": time, "id": identity, "data": data,
            "dataVersion": version, "metadataVersion": "1"}
