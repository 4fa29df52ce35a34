"""The registry's resource logs: one row for each pull it answered, and for logins.

No page promises that refused requests are logged: worlds with an odd seed log 429s, others do not.
"""

from typing import Any

from local.world.arm import SUBSCRIPTION, TENANT, guid
from local.world.resources import WORKSPACE_ID, registry_id
from local.world.run import Story, serving_region

USER_AGENT = "containerd/1.7.27"
LOGIN_EVERY = 3
"""A kubelet's token serves several pulls."""


def repository_events(story: Story) -> list[dict[str, Any]]:
    """ContainerRegistryRepositoryEvents: the ``Pull`` of each manifest."""
    logs_refusals = story.seed % 2 == 1
    return [
        _columns(story, at, "ContainerRegistryRepositoryEvents", status, node) | {
            "OperationName": "Pull", "Repository": pull.image.repository, "Tag": pull.image.tag,
            "Digest": f"sha256:{guid(pull.image.reference).replace('-', '') * 2}", "Size": 2841 if status == 200 else 0,
            "MediaType": "application/vnd.oci.image.manifest.v1+json", "ArtifactType": "", "UserTenantId": TENANT,
        }
        for at, pull, status, node in _answers(story) if status == 200 or logs_refusals
    ]


def login_events(story: Story) -> list[dict[str, Any]]:
    """ContainerRegistryLoginEvents: the token exchanges."""
    return [
        _columns(story, at, "ContainerRegistryLoginEvents", 200, node) | {"OperationName": "Authenticate", "JwtId": guid(at, node)}
        for number, (at, _, _, node) in enumerate(_answers(story)) if number % LOGIN_EVERY == 0
    ]


def _answers(story: Story) -> list[tuple[float, Any, int, str]]:
    return [(at, pull, status, pull.pod.node) for at, pull, status in story.answers
            if pull.image.registry == story.names.registry and at <= story.end]


def _columns(story: Story, at: float, table: str, status: int, node: str) -> dict[str, Any]:
    return {
        "TimeGenerated": story.at(at), "Type": table, "Category": table, "LoginServer": story.names.registry,
        "Region": serving_region(story.scenario), "ResultType": "HttpStatusCode", "ResultDescription": str(status),
        "DurationMs": str(round(20 + 60 * story.rng.random())), "CallerIpAddress": "20.73.14.9", "UserAgent": USER_AGENT,
        "Identity": guid(story.scenario.cluster, "object"), "CorrelationId": guid(at, node),
        "TenantId": WORKSPACE_ID, "SourceSystem": "Azure", "_ResourceId": registry_id(story).lower(),
        "_SubscriptionId": SUBSCRIPTION, "_BilledSize": 900.0, "_IsBillable": "True",
    }
