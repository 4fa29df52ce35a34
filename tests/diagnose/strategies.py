"""Cases of every kind, for hypothesis: pools, disks, storms, gaps, queues, failures, missing sources."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from shared.model import (
    Baseline,
    Case,
    Coverage,
    EgressHop,
    Pull,
    Registry,
    Series,
    Typical,
    Window,
)

from .cases import (
    ACR,
    ALL_SEEN,
    EPHEMERAL,
    EPHEMERAL_QUIET,
    MINUTES,
    P10,
    QUIET,
    T0,
    case,
    failed,
    minute,
    pull,
)

NODES = tuple(f"aks-apps-12345678-vmss00000{n}" for n in range(4))
FAR = Registry("far.azurecr.io", "/far", "Premium", "japaneast", ("japaneast",), 5000.0, 10000.0)
IMAGES = ("contoso.azurecr.io/web:1", "contoso.azurecr.io/api:2", "far.azurecr.io/model:3", "mcr.microsoft.com/agent:4", "redis")
STORMS: tuple[dict[str, float], ...] = (
    {"OS Disk IOPS Consumed Percentage": 100, "OS Disk Write Operations/Sec": 490, "OS Disk Queue Depth": 34},
    {"OS Disk IOPS Consumed Percentage": 88, "OS Disk Queue Depth": 22},
    {"OS Disk Bandwidth Consumed Percentage": 99, "OS Disk Write Bytes/sec": 98e6},
    {"VM Cached Bandwidth Consumed Percentage": 100, "OS Disk Write Bytes/sec": 63e6, "OS Disk Queue Depth": 27},
    {"VM Cached IOPS Consumed Percentage": 97},
    {"VM Uncached Bandwidth Consumed Percentage": 100, "OS Disk Bandwidth Consumed Percentage": 96},
    {"Percentage CPU": 97},
    {"Percentage CPU": 91, "OS Disk IOPS Consumed Percentage": 96},
    {"Network In Total": 14e9},
    {"OS Disk Queue Depth": 60},
)
REASONS = ("throttled", "kubelet_qps", "timeout", "not_found", "denied", "other")
ENDS = st.one_of(st.integers(1, MINUTES), st.floats(1.0, MINUTES))
"""Minutes of the window in which a pull may end."""
SECONDS = st.one_of(st.sampled_from((5.0, 19.9, 59.9, 60.0, 300.0)), st.floats(0.5, 500.0).map(lambda s: round(s, 1)))


@st.composite
def node_series(draw: st.DrawFn, disk_is_ephemeral: bool, nodes: Sequence[str] = NODES) -> tuple[Series, ...]:
    """Every metric of every node, with a storm here and there, and gaps."""
    quiet = EPHEMERAL_QUIET if disk_is_ephemeral else QUIET
    return tuple(series for node in nodes for series in draw(_of_one_node(node, dict(quiet))))


@st.composite
def _of_one_node(draw: st.DrawFn, node: str, quiet: dict[str, float]) -> list[Series]:
    storm = draw(st.one_of(st.none(), st.sampled_from(STORMS)))
    first, last = draw(spans())
    gap_first, gap_last = draw(st.one_of(st.just((0, 0)), spans()))
    changed = {m: v for m, v in (storm or {}).items() if m in quiet}
    return [
        Series(metric, T0, node, values=tuple(
            None if gap_first <= m < gap_last else float(changed.get(metric, usual) if first <= m < last else usual) for m in range(MINUTES)))
        for metric, usual in quiet.items()
    ]


def spans() -> st.SearchStrategy[tuple[int, int]]:
    """Two minutes of the window, the first before the second."""
    return st.tuples(st.integers(0, MINUTES), st.integers(0, MINUTES)).map(lambda pair: (min(pair), max(pair)))


def pulled(nodes: Sequence[str] = NODES) -> st.SearchStrategy[Pull]:
    waiting = st.one_of(st.just(0.0), st.floats(0.0, 300.0).map(lambda s: round(s, 1)))
    return st.builds(
        lambda node, end, seconds, wait, image, pod: pull(node, end, seconds, waiting=wait, image=image, pod=f"shop/pod-{pod}"),
        st.sampled_from(nodes), ENDS, SECONDS, waiting, st.sampled_from(IMAGES), st.integers(0, 30))


def failures(nodes: Sequence[str] = NODES) -> st.SearchStrategy[Pull]:
    return st.builds(
        lambda node, span, reason, count, image, pod: failed(node, span[0], span[1], reason, count, image, f"shop/pod-{pod}"),
        st.sampled_from(nodes), spans(), st.sampled_from(REASONS), st.integers(1, 9), st.sampled_from(IMAGES), st.integers(0, 30))


def pulls(nodes: Sequence[str] = NODES) -> st.SearchStrategy[list[Pull]]:
    return st.lists(st.one_of(pulled(nodes), pulled(nodes), failures(nodes)), max_size=10)


@st.composite
def _network(draw: st.DrawFn) -> dict[str, Any]:
    """Nothing known of the way out, or a load balancer that failed connections in some minutes."""
    if draw(st.booleans()):
        return {"egress": (), "network": ()}
    first, last = draw(spans())
    failures_by_minute = tuple(12.0 if first <= m < last else 0.0 for m in range(MINUTES))
    counts = Series("SnatConnectionCount", T0, "Failed", values=failures_by_minute, resource="/lb")
    return {"egress": (EgressHop("load_balancer", "/lb", "westeurope"),), "network": (counts,)}


def _baselines() -> st.SearchStrategy[Baseline]:
    typical = {"OS Disk Queue Depth": Typical(12.0, 17.0), "Percentage CPU": Typical(30.0, 40.0)}
    return st.builds(lambda p95: Baseline(Window(minute(-600), T0), 100, p95 and p95 / 2, p95, typical),
                     st.one_of(st.none(), st.sampled_from((4.0, 12.0, 41.0, 200.0))))


@st.composite
def cases(draw: st.DrawFn, nodes: Sequence[str] = NODES) -> Case:
    """A Case with every source there."""
    disk = draw(st.sampled_from((P10, EPHEMERAL)))
    return case(
        disk, pulls=draw(pulls(nodes)), measured=draw(node_series(disk is EPHEMERAL, nodes)), registries=(ACR, FAR),
        baseline=draw(_baselines()), coverage=(*ALL_SEEN, Coverage("network", "ok")), **draw(_network()))


def slow_cases() -> st.SearchStrategy[Case]:
    """Cases in which at least one pull is slow."""
    slow = pull(NODES[0], 7.0, 240.0, pod="shop/surely-slow")
    return cases().map(lambda c: replace(c, pulls=(*c.pulls, slow)))
