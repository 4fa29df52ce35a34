"""All sources together → one ``Case``. A source that fails costs its part of the Case, never the Case.

Order of questions: the fleet (kept), then everything about the pool at once, then the registries that
its pulls name. Three round trips, however many nodes there are.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from shared.azure_ids import id_key
from shared.collect import attachments, limits, metrics, network, nodes, pulls, registry
from shared.collect.azure import Azure, Row
from shared.collect.fleet import Fleet, PoolRef
from shared.collect.nodes import Described
from shared.errors import PullwatchError
from shared.model import (
    Baseline,
    Case,
    Cluster,
    Coverage,
    EgressHop,
    Operation,
    Pull,
    Registry,
    RegistryMinute,
    Series,
    Typical,
    Window,
)
from shared.ranks import nearest_rank

INSIGHTS_FIX = (
    "Turn on Container insights and, in its ConfigMap container-azm-ms-agentconfig, "
    "[log_collection_settings.collect_all_kube_events] enabled = true: pulls are Normal events, left out by default."
)
REGISTRY_LOG_FIX = "Send ContainerRegistryRepositoryEvents and ContainerRegistryLoginEvents of the registry to a workspace (diagnostic setting)."


class Answer[T](NamedTuple):
    """What one source gave, or why it gave nothing."""

    value: T | None
    problem: str = ""


class Question(NamedTuple):
    """What a Case is wanted about."""

    cluster_id: str
    pool: str
    window: Window
    baseline_hours: float
    now: datetime
    operation: Operation | None = None
    usual_until: datetime | None = None
    """What came later is no measure of what is usual: an incident was going on."""


class _Answers(NamedTuple):
    """What every source gave about one pool."""

    described: Answer[Described]
    skus: Answer[list[Row]]
    measured: Answer[metrics.Measured]
    usual: Answer[dict[str, Typical]]
    pulled: Answer[list[Pull]]
    pulled_before: Answer[list[Pull]]
    hops: tuple[EgressHop, ...]
    passed: list[Answer[list[Series]]]
    """What passed the hops."""
    registries: tuple[Registry, ...]
    """Those that the pulled images came from."""
    logged: list[Answer[list[RegistryMinute]]]


def collect_case(azure: Azure, fleet: Fleet, question: Question) -> Case:
    """Everything about one pool in one window. Raises ``Permanent`` for an unknown cluster or pool."""
    cluster, ref = fleet.cluster(question.cluster_id), fleet.pool(question.cluster_id, question.pool)
    window, now, before = question.window, question.now, _before(question)
    found = _ask_all(azure, fleet, cluster, ref, window, before)
    sku_rows, measured = found.skus.value or [], found.measured.value
    pool, models = nodes.node_pool(found.described.value or Described(ref, {}), cluster, sku_rows)
    return Case(
        id=case_id(cluster.id, pool.name, window, now), taken_at=now, cluster=cluster, pool=pool, window=window,
        operation=question.operation, registries=found.registries, series=measured.series if measured else (),
        pulls=tuple(found.pulled.value or ()), registry_minutes=_all(found.logged), egress=found.hops, network=_all(found.passed),
        baseline=_baseline(before, found.usual.value, found.pulled_before.value), coverage=_coverage(cluster, found, window),
        other_vms=limits.other_vms(pool.vm, sku_rows), disk_tiers=limits.disk_tiers(pool.os_disk.sku or "Premium_LRS", sku_rows), models=models,
    )


def _ask_all(azure: Azure, fleet: Fleet, cluster: Cluster, ref: PoolRef, window: Window, before: Window) -> _Answers:
    """Asks at once whatever needs no other answer first."""
    with ThreadPoolExecutor(8, thread_name_prefix="collect") as executor:
        ask = partial(_ask, executor)
        skus = ask(lambda: azure.skus(cluster.subscription_id, ref.location))
        described = ask(lambda: nodes.describe(azure, cluster, ref))
        asked_about = ref if ref.vmss_id else (described.result().value or Described(ref, {})).ref
        measured = ask(lambda: metrics.node_series(azure, asked_about, window))
        usual = ask(lambda: metrics.usual_values(azure, asked_about, before))
        pulled = ask(lambda: pulls.read_pulls(azure, cluster, asked_about, window))
        pulled_before = ask(lambda: pulls.read_pulls(azure, cluster, asked_about, before))
        known = described.result().value or Described(ref, {})
        hops = network.hops_of(cluster, tuple(network.subnets_of(known.model)) or ref.subnets, fleet.egress)
        passed = [ask(partial(network.hop_series, azure, hop, each, window)) for hop in hops for each in network.questions_about(hop)]
        if not _names_pulls(pulled.result(), pulled_before.result()):
            failures = pulled.result().value or []
            pulled = ask(lambda: failures + pulls.read_starts(azure, cluster, asked_about, window))
            pulled_before = ask(lambda: pulls.read_starts(azure, cluster, asked_about, before))
        found_pulls = pulled.result().value or []
        used = registry.registries_of(found_pulls, fleet.registries)
        roles = ask(lambda: attachments.kubelet_roles(azure)) if any(p.reason == "denied" for p in found_pulls) else None
        logged = [ask(partial(registry.registry_minutes, azure, r, window)) for r in used if r.id]
    used = attachments.told(used, cluster.id, roles.result().value if roles else None)
    return _Answers(described.result(), skus.result(), measured.result(), usual.result(), pulled.result(), pulled_before.result(), hops,
                    [f.result() for f in passed], used, [f.result() for f in logged])


def _all[T](answers: Iterable[Answer[list[T]]]) -> tuple[T, ...]:
    return tuple(one for answer in answers for one in answer.value or ())


def _coverage(cluster: Cluster, found: _Answers, window: Window) -> tuple[Coverage, ...]:
    """One line a source."""
    return (
        _limits_coverage(found.described, found.skus),
        _metrics_coverage(found.measured, window),
        _pulls_coverage(cluster, found.pulled, found.pulled_before),
        _registry_coverage(found.registries, found.logged),
        _network_coverage(cluster, found.hops, found.passed),
        _baseline_coverage(found.usual, found.pulled_before),
    )


def _before(question: Question) -> Window:
    """The hours that say what is usual: those before the window, and before the trouble that the window may be part of."""
    end = min(question.window.start, question.usual_until or question.window.start)
    return Window(end - timedelta(hours=question.baseline_hours), end)


def _names_pulls(*answers: Answer[list[Pull]]) -> bool:
    """Whether the logs told of any finished pull; a source that failed is not asked for its stand-in."""
    return any(a.problem for a in answers) or any(p.outcome == "pulled" for a in answers for p in a.value or ())


def case_id(cluster_id: str, pool: str, window: Window, now: datetime) -> str:
    """Sixteen hex digits, the same for the same question asked at the same time."""
    parts = (id_key(cluster_id), pool.lower(), window.start.isoformat(), window.end.isoformat(), now.isoformat())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _ask[T](executor: ThreadPoolExecutor, question: Callable[[], T]) -> Future[Answer[T]]:
    def answer() -> Answer[T]:
        try:
            return Answer(question())
        except PullwatchError as error:
            return Answer(None, str(error))

    return executor.submit(copy_context().run, answer)  # its spans and log lines belong to the assessment


def _baseline(window: Window, usual: dict[str, Typical] | None, pulled: list[Pull] | None) -> Baseline:
    times = sorted(p.seconds + (p.waiting_seconds or 0.0) for p in pulled or () if p.seconds is not None)
    return Baseline(
        window=window, pulls=len(times), metrics=usual or {},
        p50_seconds=nearest_rank(times, 50), p95_seconds=nearest_rank(times, 95),
    )


# --- coverage: one line a source ---


def _limits_coverage(described: Answer[Described], skus: Answer[list[Row]]) -> Coverage:
    problems = [a.problem for a in (described, skus) if a.problem]
    if not problems:
        return Coverage("limits", "ok")
    return Coverage("limits", "partial", " ".join(problems), "Give the identity Reader on the node resource group and the subscription.")


def _metrics_coverage(answer: Answer[metrics.Measured], window: Window) -> Coverage:
    if answer.value is None:
        return Coverage("metrics", "failed", answer.problem, "Give the identity Monitoring Reader on the subscription.")
    if not any(v is not None for s in answer.value.series for v in s.values):
        return Coverage("metrics", "missing", f"Azure Monitor has no value for {window.seconds / 60:.0f} minutes.")
    if not any(s.metric.startswith("OS Disk") and any(v is not None for v in s.values) for s in answer.value.series):
        return Coverage("metrics", "partial", "Azure Monitor has no OS Disk metric of these nodes.")
    if answer.value.not_read:
        return Coverage("metrics", "partial", " ".join(answer.value.not_read), "Ask again later: what was read is judged.")
    if answer.value.not_known:
        return Coverage("metrics", "partial", "This region does not know: " + ", ".join(answer.value.not_known) + ".")
    return Coverage("metrics", "ok")


def _pulls_coverage(cluster: Cluster, now: Answer[list[Pull]], before: Answer[list[Pull]]) -> Coverage:
    if now.value is None:
        return Coverage("pulls", "failed", now.problem, "Give the identity Log Analytics Reader on the workspace.")
    if cluster.container_insights is False:
        return Coverage("pulls", "missing", "Container insights is off: no kube events are kept.", INSIGHTS_FIX)
    if len(now.value) >= pulls.MOST_PULLS:
        return Coverage("pulls", "partial", f"{pulls.MOST_PULLS:,} pulls and more: the oldest are left out.", "Look at a shorter window.")
    pulled = [p for p in (*now.value, *(before.value or ())) if p.outcome == "pulled"]
    if any(p.estimated for p in pulled):
        return Coverage("pulls", "partial", "Normal kube events are not collected: pull times are estimated from how long containers took to start.", INSIGHTS_FIX)
    if pulled:
        return Coverage("pulls", "ok")
    return Coverage("pulls", "missing", "No Pulled event and no pod start in the window or the hours before it: kube events seem not to be collected.", INSIGHTS_FIX)


def _registry_coverage(used: tuple[Registry, ...], answers: list[Answer[list[RegistryMinute]]]) -> Coverage:
    if not answers:
        return Coverage("registry_log", "missing", "No pulled image comes from a registry this identity can read.")
    problems = [a.problem for a in answers if a.value is None]
    if problems:
        return Coverage("registry_log", "failed", " ".join(problems), REGISTRY_LOG_FIX)
    if not any(a.value for a in answers):
        names = ", ".join(r.login_server for r in used if r.id)
        return Coverage("registry_log", "missing", f"{names} logged no request.", REGISTRY_LOG_FIX)
    return Coverage("registry_log", "ok")


def _network_coverage(cluster: Cluster, hops: tuple[EgressHop, ...], answers: Sequence[Answer[Any]]) -> Coverage:
    problems = [a.problem for a in answers if a.problem]
    if problems:
        return Coverage("network", "failed", " ".join(problems), "Give the identity Reader and Monitoring Reader where the cluster's egress stands.")
    if not hops:
        path = f"outbound type {cluster.outbound_type}" if cluster.outbound_type else "an unknown outbound type"
        return Coverage("network", "missing", f"No load balancer, NAT gateway or firewall was found behind {path}.")
    return Coverage("network", "ok")


def _baseline_coverage(usual: Answer[dict[str, Typical]], pulled: Answer[list[Pull]]) -> Coverage:
    problems = [a.problem for a in (usual, pulled) if a.problem]
    if problems:
        return Coverage("baseline", "partial", " ".join(problems))
    if not usual.value and not pulled.value:
        return Coverage("baseline", "missing", "Nothing was measured before this window: what is usual is not known.")
    return Coverage("baseline", "ok")
