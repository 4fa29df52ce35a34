"""The kubelet's events as Container insights writes them to KubeEvents.

Message formats as in ``pkg/kubelet/images``: the wait since 1.27, the image size since 1.30. One
event object counts its occurrences; the agent looks once a minute, writes a row for each object
that changed, with the cumulative count, and now and then writes the same row again.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from local.world.arm import SUBSCRIPTION
from local.world.plan import MCR
from local.world.pulls import Pull
from local.world.resources import cluster_id
from local.world.run import Story, minor
from local.world.scenario import HUB

POLL_SECONDS = 60
REPEATED_ROWS = 0.12
BACK_OFF_SYNC_SECONDS = 13
ACR_429 = ("toomanyrequests: Too many requests. Please visit https://aka.ms/acr/skus#sku-feature-matrix "
           "to view limits of all service tiers.")


HUB_429 = ("429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit. You may increase "
           "the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit")


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the kubelet said about one pod, once."""

    at: float
    pull: Pull
    reason: str
    message: str
    warning: bool = False


class EventKey(msgspec.Struct, frozen=True):
    """What makes two sayings the same event object."""

    namespace: str
    pod: str
    reason: str
    message: str


def kube_events(story: Story) -> list[dict[str, Any]]:
    """Rows of KubeEvents, oldest first."""
    objects: dict[EventKey, list[Said]] = {}
    for pull in story.pulls:
        for said in _said(story, pull):
            if said.at <= story.end and (said.warning or story.scenario.normal_kube_events):
                key = EventKey(pull.pod.namespace, pull.pod.name, said.reason, said.message)
                objects.setdefault(key, []).append(said)
    rows = [row for sayings in objects.values() for row in _rows(story, sayings)]
    return sorted(rows, key=lambda row: row["TimeGenerated"])


def _said(story: Story, pull: Pull) -> Iterator[Said]:
    reference, version = pull.image.reference, _version(story, pull)
    if pull.present:
        ending = " and can be accessed by the pod" if minor(version) >= 35 else ""
        yield Said(at=pull.asked_at, pull=pull, reason="Pulled",
                   message=f'Container image "{reference}" already present on machine{ending}')
    for number, attempt in enumerate(pull.attempts):
        yield Said(at=attempt.asked_at, pull=pull, reason="Pulling", message=f'Pulling image "{reference}"')
        if attempt.ended_at is None:
            continue
        if attempt.error:
            again = pull.attempts[number + 1].asked_at if number + 1 < len(pull.attempts) else pull.last_seen_at
            yield from _failed(pull, attempt.ended_at, again, refusal(story, pull, attempt.error))
        else:
            started = attempt.asked_at if attempt.started_at is None else attempt.started_at
            seconds, waiting = attempt.ended_at - started, attempt.ended_at - attempt.asked_at
            yield Said(at=attempt.ended_at, pull=pull, reason="Pulled", message=pulled(pull, version, seconds, waiting))


def _failed(pull: Pull, at: float, again: float, error: str) -> Iterator[Said]:
    """The failure, and what the kubelet repeats while it holds the pod back."""
    reference = pull.image.reference
    yield Said(at=at, pull=pull, reason="Failed", warning=True, message=f'Failed to pull image "{reference}": {error}')
    yield Said(at=at, pull=pull, reason="Failed", warning=True, message="Error: ErrImagePull")
    sync = at + 1
    while sync < again - 1:
        yield Said(at=sync, pull=pull, reason="BackOff", message=f'Back-off pulling image "{reference}"')
        yield Said(at=sync, pull=pull, reason="Failed", warning=True, message="Error: ImagePullBackOff")
        sync += BACK_OFF_SYNC_SECONDS


def refusal(story: Story, pull: Pull, error: str) -> str:
    """The text of a failure: the registry's own words or containerd's, as seen on AKS nodes."""
    if error == "qps":
        return "pull QPS exceeded"
    image = pull.image
    start = f'rpc error: code = Unknown desc = failed to pull and unpack image "{image.reference}": '
    manifest = f"https://{image.registry}/v2/{image.repository}/manifests/{image.tag}"
    if error == "timeout":
        return f'{start}failed to resolve reference "{image.reference}": failed to do request: Head "{manifest}": dial tcp 20.61.97.8:443: i/o timeout'
    if image.registry == HUB:
        return f"{start}failed to copy: httpReadSeeker: failed open: unexpected status code {manifest}: {HUB_429}"
    if image.registry != MCR and story.rng.random() < 0.5:
        return f"{start}{ACR_429}"
    digest = f"{story.rng.getrandbits(256):064x}"
    return (
        f"{start}failed to copy: httpReadSeeker: failed open: unexpected status code https://{image.registry}/v2/{image.repository}"
        f"/blobs/sha256:{digest}: 429 Too Many Requests"
    )


def pulled(pull: Pull, version: str, seconds: float, waiting: float) -> str:
    """``Successfully pulled image …`` in the words of that Kubernetes version."""
    start = f'Successfully pulled image "{pull.image.reference}" in '
    if minor(version) < 27:
        return start + go_duration(seconds, digits=9)
    text = f"{start}{go_duration(seconds)} ({go_duration(waiting)} including waiting)"
    return text if minor(version) < 30 else f"{text}. Image size: {int(pull.image.unpacked_bytes)} bytes."


def go_duration(seconds: float, digits: int = 3) -> str:
    """As Go prints a duration: ``1m2.345s``, ``786ms``, ``1h0m5s``."""
    if seconds < 1:
        return f"{_trim(seconds * 1000, digits - 3)}ms"
    minutes, rest = divmod(round(seconds, digits), 60)
    hours, minutes = divmod(int(minutes), 60)
    prefix = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{prefix}{_trim(rest, digits)}s"


def _trim(number: float, digits: int) -> str:
    text = f"{number:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _version(story: Story, pull: Pull) -> str:
    """Of the kubelet that spoke: an upgraded node speaks its new version's language."""
    lives = [n for n in story.lives[pull.pod.node] if n.born <= pull.asked_at]
    return lives[-1].version


def _rows(story: Story, sayings: list[Said]) -> Iterator[dict[str, Any]]:
    """One row for each minute in which the event object changed."""
    first = sayings[0]
    offset = 7 + hash_of(first.pull.pod.node) % 40
    polls: dict[int, int] = {}
    for count, said in enumerate(sayings, 1):
        polls[int((said.at - offset) // POLL_SECONDS) + 1] = count
    for poll, count in polls.items():
        repeats = 2 if story.rng.random() < REPEATED_ROWS else 1
        for repeat in range(repeats):
            at = (poll + repeat) * POLL_SECONDS + offset
            if at <= story.end:
                yield _row(story, sayings[:count], at)


def hash_of(name: str) -> int:
    """The same on every run, unlike ``hash``."""
    return sum(map(ord, name))


def _row(story: Story, sayings: list[Said], at: float) -> dict[str, Any]:
    first, last = sayings[0], sayings[-1]
    pod = first.pull.pod
    return cluster_columns(story, "KubeEvents") | {
        "TimeGenerated": story.at(at), "Computer": pod.node, "Name": pod.name, "Namespace": pod.namespace, "ObjectKind": "Pod",
        "KubeEventType": "Warning" if first.warning else "Normal", "Reason": first.reason, "Message": first.message,
        "SourceComponent": "kubelet", "Count": float(len(sayings)),
        "FirstSeen": story.at(int(first.at)), "LastSeen": story.at(int(last.at)),
    }


def cluster_columns(story: Story, table: str) -> dict[str, Any]:
    """The columns that all Container insights tables share."""
    identity = cluster_id(story)
    return {
        "ClusterId": identity, "ClusterName": story.scenario.cluster, "Type": table, "SourceSystem": "Containers",
        "_ResourceId": identity.lower(), "_SubscriptionId": SUBSCRIPTION, "_BilledSize": 700.0, "_IsBillable": "True",
    }
