"""KubePodInventory and KubeNodeInventory: who runs where, and since when."""

from collections.abc import Iterator
from typing import Any

from local.world.arm import guid
from local.world.kubelet_log import cluster_columns, hash_of
from local.world.pulls import Pod, Pull
from local.world.resources import instance_id
from local.world.run import Story

POLL_SECONDS = 60
NODE_POLL_SECONDS = 300
RUNNING_ROWS = 2
"""Polls that still report a pod once it runs: enough to see when it started."""


def pod_inventory(story: Story) -> list[dict[str, Any]]:
    """One row a minute for each container, from its pod's creation until it has run for a while."""
    pulls: dict[str, list[Pull]] = {}
    for pull in story.pulls:
        pulls.setdefault(pull.pod.name, []).append(pull)
    rows = [row for mine in pulls.values() for pull in mine for row in _container(story, pull)]
    return sorted(rows, key=lambda row: row["TimeGenerated"])


def _container(story: Story, pull: Pull) -> Iterator[dict[str, Any]]:
    running_at = None if pull.finished_at is None else pull.finished_at + 1.2
    last = pull.last_seen_at if running_at is None else running_at + RUNNING_ROWS * POLL_SECONDS
    poll = (int(pull.pod.at // POLL_SECONDS) + 1) * POLL_SECONDS + 5
    while poll <= min(last, story.end):
        started = running_at if running_at is not None and running_at <= poll else None
        yield _pod_row(story, pull, poll, started)
        poll += POLL_SECONDS


def _pod_row(story: Story, pull: Pull, poll: float, started: float | None) -> dict[str, Any]:
    pod, uid = pull.pod, guid(story.scenario.name, story.seed, pull.pod.name)
    backing_off = any(a.error and a.ended_at is not None and a.ended_at <= poll for a in pull.attempts)
    waiting = "ImagePullBackOff" if backing_off else "ContainerCreating"
    return cluster_columns(story, "KubePodInventory") | _controller(pod) | {
        "TimeGenerated": story.at(poll), "Computer": pod.node, "Name": pod.name, "Namespace": pod.namespace, "PodUid": uid,
        "PodCreationTimeStamp": story.at(int(pod.at) - 1), "PodStartTime": story.at(int(pod.at)),
        "PodStatus": "Running" if started is not None else "Pending", "PodRestartCount": 0,
        "ContainerName": f"{uid}/{pull.image.repository.rsplit('/', 1)[-1]}", "ContainerRestartCount": 0,
        "ContainerStatus": "running" if started is not None else "waiting",
        "ContainerStatusReason": "" if started is not None else waiting,
        "ContainerCreationTimeStamp": None if started is None else story.at(int(started)),
        "ContainerStartTime": None if started is None else story.at(int(started)),
        "ContainerID": "" if started is None else f"containerd://{hash_of(uid):064x}",
        "PodIp": "", "PodLabel": "", "ServiceName": "", "InstanceName": "", "ContainerLastStatus": "",
    }


def _controller(pod: Pod) -> dict[str, Any]:
    return {"ControllerKind": pod.controller_kind, "ControllerName": pod.controller}


def node_inventory(story: Story) -> list[dict[str, Any]]:
    """One row every five minutes for each node that lives then, and one right after its birth."""
    rows = []
    for node in story.nodes:
        poll = node.born + 20
        while poll < min(node.gone, story.end):
            rows.append(_node_row(story, node.instance, node.born, node.version, poll))
            poll = (int(poll // NODE_POLL_SECONDS) + 1) * NODE_POLL_SECONDS
    return sorted(rows, key=lambda row: row["TimeGenerated"])


def _node_row(story: Story, instance: int, born: float, version: str, poll: float) -> dict[str, Any]:
    created = story.at(int(born) if born else -30 * 86_400)
    return cluster_columns(story, "KubeNodeInventory") | {
        "TimeGenerated": story.at(poll), "Computer": story.names.node(instance), "CreationTimeStamp": created,
        "LastTransitionTimeReady": created, "Status": "Ready", "KubeletVersion": f"v{version}", "KubeProxyVersion": f"v{version}",
        "DockerVersion": "containerd://1.7.27-1", "OperatingSystem": "Ubuntu 22.04.5 LTS", "KubernetesProviderID": f"azure://{instance_id(story, instance)}",
        "Labels": f'[{{"agentpool":"{story.scenario.pool}","kubernetes.azure.com/agentpool":"{story.scenario.pool}"}}]',
    }
