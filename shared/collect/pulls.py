"""The kubelet's words about images → ``Pull``: every wording since Kubernetes 1.24.

| since | words |
|---|---|
| 1.24 | ``Successfully pulled image "X" in 49.6s`` (the wait in the queue is in it) |
| 1.26/1.27 | ``… in 49.1s (72.8s including waiting)`` |
| about 1.30 | ``… in 2.7s (10m16.3s including waiting). Image size: 40538901 bytes.`` |

Durations are Go's (``1h2m3.5s``, ``870ms``). Source: kubelet ``image_manager.go`` of those releases.
"""

import re
from collections.abc import Iterable
from typing import Literal

from shared.azure_ids import node_name
from shared.collect.azure import Azure, Row, utc
from shared.collect.fleet import PoolRef
from shared.collect.kql import query
from shared.model import Cluster, Pull, Window

MOST_PULLS = 30_000
"""Rows that the queries ask for, newest first: beyond that the oldest are left out, and coverage says so."""

_PULLED = re.compile(
    r'Successfully pulled image "(?P<image>[^"]+)" in (?P<took>[^\s.(]\S*?)'
    r"(?: \((?P<total>\S+) including waiting\))?(?:\. Image size: (?P<size>\d+) bytes\.?)?$"
)
_FAILED = re.compile(r'Failed to pull image "(?P<image>[^"]+)": ?(?P<why>.*)', re.DOTALL)
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:h|ms|µs|us|ns|m|s))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|µs|us|ns|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9}

type Reason = Literal["", "throttled", "kubelet_qps", "timeout", "not_found", "denied", "other"]
_REASONS: tuple[tuple[Reason, re.Pattern[str]], ...] = (
    ("kubelet_qps", re.compile(r"pull QPS exceeded", re.IGNORECASE)),
    ("throttled", re.compile(r"\b429\b|toomanyrequests|too many requests", re.IGNORECASE)),
    ("denied", re.compile(r"unauthorized|authentication required|denied|forbidden|\b40[13]\b", re.IGNORECASE)),
    ("not_found", re.compile(r"not found|manifest unknown|\b404\b", re.IGNORECASE)),
    ("timeout", re.compile(r"i/o timeout|timed? ?out|deadline exceeded|connection (?:reset|refused)|TLS handshake", re.IGNORECASE)),
)


def read_pulls(azure: Azure, cluster: Cluster, pool: PoolRef, window: Window) -> list[Pull]:
    """Every finished or failed attempt on the pool's nodes that the logs hold for the window."""
    rows = azure.logs(cluster.id, _about("image_events", pool), window)
    return _in_order((pull for pull in map(pull_of, rows) if pull is not None), window)


def read_starts(azure: Azure, cluster: Cluster, pool: PoolRef, window: Window) -> list[Pull]:
    """Pulls estimated from how long the pool's containers took to start in the window."""
    rows = azure.logs(cluster.id, _about("pod_starts", pool), window)
    return _in_order((p for p in map(start_of, rows) if (p.seconds or 0.0) >= 0.0), window)


def _about(name: str, pool: PoolRef) -> str:
    """The query, asked about the pool's nodes alone."""
    return query(name, node_prefix=pool.node_prefix, nodes=[machine.node for machine in pool.machines])


def _in_order(pulls: Iterable[Pull], window: Window) -> list[Pull]:
    """Those of the window, in an order that does not depend on how the service broke ties."""
    inside = (p for p in pulls if window.start <= p.at <= window.end)
    return sorted(inside, key=lambda p: (p.at, p.node, p.pod, p.image, p.outcome, p.seconds or 0.0, p.count))


def start_of(row: Row) -> Pull:
    container = row["ContainerName"].rpartition("/")[2]
    running = utc(row["Running"])
    return Pull(image=f"container {container}", node=node_name(row["Computer"]), at=running, outcome="pulled",
                pod=f"{row['Namespace']}/{row['Name']}", seconds=(running - utc(row["Taken"])).total_seconds(), estimated=True)


def pull_of(row: Row) -> Pull | None:
    """The pull one event row tells of; None for rows that tell of none (already present, back-off)."""
    message = re.sub(r"^spec\.\w+\{[^}]*\}: ", "", row["Message"].strip())
    if row["Reason"] == "Pulled":
        return _pulled(row, message)
    if row["Reason"] == "Failed":
        return _failed(row, message)
    return None


def _pulled(row: Row, message: str) -> Pull | None:
    match = _PULLED.search(message)
    if match is None:
        return None
    seconds = go_seconds(match["took"])
    total = go_seconds(match["total"]) if match["total"] else None
    if seconds is None or (total is not None and total < seconds):
        return None  # a Windows kubelet was seen to drop the decimal point: 5m0343499s
    return Pull(
        image=match["image"], node=node_name(row["Computer"]), at=utc(row["LastSeen"]), outcome="pulled",
        pod=f"{row['Namespace']}/{row['Name']}", seconds=seconds,
        waiting_seconds=None if total is None else round(total - seconds, 3),
        size_bytes=int(match["size"]) if match["size"] else None,
    )


def _failed(row: Row, message: str) -> Pull | None:
    match = _FAILED.search(message)
    if match is None:
        return None
    return Pull(
        image=match["image"], node=node_name(row["Computer"]), at=utc(row["LastSeen"]), outcome="failed",
        pod=f"{row['Namespace']}/{row['Name']}", reason=failure_reason(match["why"]), message=match["why"].strip()[:300],
        count=max(1, int(row["Count"] or 1)), first_at=utc(row["FirstSeen"]),
    )


def failure_reason(why: str) -> Reason:
    """Why a pull failed, from the runtime's or registry's words."""
    return next((reason for reason, words in _REASONS if words.search(why)), "other")


def go_seconds(text: str) -> float | None:
    """Seconds of a Go duration such as ``1m2.3s``; None if it is none."""
    if not _DURATION.fullmatch(text):
        return None
    return round(sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text)), 9)
