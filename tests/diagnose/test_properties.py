"""What holds for every Case, whatever is in it."""

import math
from collections.abc import Callable, Iterable
from datetime import timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.diagnose import diagnose
from shared.diagnose.attribution import attribute
from shared.diagnose.view import MEASURED_EVERYWHERE, View
from shared.model import (
    Baseline,
    Case,
    Cause,
    Coverage,
    Diagnosis,
    OsDisk,
    Pull,
    Series,
    Thresholds,
    Verdict,
    VmLimits,
    decode,
    encode,
)

from .cases import EPHEMERAL, MINUTES, P10, QUIET, T0, case, minute, pull, series
from .strategies import NODES, cases, failures, pulled, slow_cases, spans

THOROUGHLY = settings(derandomize=True, deadline=None, max_examples=150, database=None)
LIMITS = Thresholds()


def verdict(c: Case) -> Diagnosis:
    return diagnose(c, LIMITS)


def shares(c: Case, limits: Thresholds = LIMITS) -> dict[Cause, float]:
    """Each cause's share of the slow time, however small."""
    return {cause: claim.share for cause, claim in attribute(View(c, limits)).claims.items()}


def layer_share(c: Case, layer: str) -> float:
    return math.fsum(share for cause, share in shares(c).items() if cause.layer == layer)


def meaning(d: Diagnosis) -> tuple[object, ...]:
    """What a diagnosis says, without what it merely repeats from its Case."""
    return (d.cause, d.confidence, d.severity, d.headline, encode(replace(d, coverage=(), operation=None)))


# --- more load on one stage ---


LOADS: dict[str, tuple[str, float]] = {
    "OS Disk IOPS Consumed Percentage": ("disk", 100),
    "OS Disk Bandwidth Consumed Percentage": ("disk", 100),
    "VM Cached IOPS Consumed Percentage": ("disk", 100),
    "VM Cached Bandwidth Consumed Percentage": ("disk", 100),
    "VM Uncached Bandwidth Consumed Percentage": ("disk", 100),
    "OS Disk Queue Depth": ("disk", 80),
    "Percentage CPU": ("cpu", 100),
    "Network In Total": ("network", 15e9),
}


@pytest.mark.parametrize("metric", LOADS)
@settings(THOROUGHLY, max_examples=60)
@given(one=slow_cases(), node=st.sampled_from(NODES), span=spans())
def test_more_load_on_a_stage_never_lowers_its_share(metric: str, one: Case, node: str, span: tuple[int, int]) -> None:
    layer, load = LOADS[metric]
    loaded = replace(one, series=tuple(_raised(s, load, span) if (s.metric, s.node) == (metric, node) else s for s in one.series))
    assert layer_share(loaded, layer) >= layer_share(one, layer) - 1e-9


def _raised(s: Series, load: float, span: tuple[int, int]) -> Series:
    values = (max(v, load) if v is not None and span[0] <= m < span[1] else v for m, v in enumerate(s.values))
    return replace(s, values=tuple(values))


@THOROUGHLY
@given(one=slow_cases(), count=st.integers(1, 9), minutes=st.integers(1, 6))
def test_more_429s_never_lower_the_registrys_share(one: Case, count: int, minutes: int) -> None:
    """A slow pull is answered 429 for some minutes before it gets through."""
    slow = pull(NODES[1], 9, 100, pod="shop/refused")
    refused = Pull(slow.image, slow.node, minute(7), "failed", pod=slow.pod, reason="throttled", count=count, first_at=minute(7 - minutes))
    assert shares(_and(one, slow, refused)).get(Cause.REGISTRY_THROTTLED, 0) >= shares(_and(one, slow)).get(Cause.REGISTRY_THROTTLED, 0) - 1e-9


@THOROUGHLY
@given(waits=st.lists(st.floats(0, 400), min_size=1, max_size=6), more=st.floats(0, 200))
def test_a_longer_queue_on_quiet_nodes_never_lowers_the_kubelets_share(waits: list[float], more: float) -> None:
    def queued(extra: float) -> Case:
        return case(pulls=[pull(NODES[0], 9, 90, waiting=w + extra, pod=f"shop/{n}") for n, w in enumerate(waits)])

    assert layer_share(queued(more), "kubelet") >= layer_share(queued(0), "kubelet") - 1e-9


def _and(one: Case, *further: Pull) -> Case:
    return replace(one, pulls=(*one.pulls, *further))


# --- order and names ---


@THOROUGHLY
@given(one=cases(), data=st.data())
def test_the_order_of_nodes_series_and_pulls_changes_nothing(one: Case, data: st.DataObject) -> None:
    shuffled = replace(
        one, series=tuple(data.draw(st.permutations(one.series))), pulls=tuple(data.draw(st.permutations(one.pulls))), network=one.network[::-1])
    assert encode(verdict(shuffled)) == encode(verdict(one))


@THOROUGHLY
@given(one=cases(), names=st.permutations(NODES))
def test_which_node_is_which_changes_neither_cause_nor_confidence(one: Case, names: list[str]) -> None:
    new = dict(zip(NODES, names, strict=True))
    renamed = replace(one, series=tuple(replace(s, node=new[s.node]) for s in one.series), pulls=tuple(replace(p, node=new[p.node]) for p in one.pulls))
    before, after = verdict(one), verdict(renamed)
    assert (after.cause, after.confidence, after.severity, after.headline) == (before.cause, before.confidence, before.severity, before.headline)
    assert [(f.cause, f.verdict, f.share) for f in after.findings] == [(f.cause, f.verdict, f.share) for f in before.findings]


@THOROUGHLY
@given(one=cases())
def test_series_told_twice_are_told_once(one: Case) -> None:
    assert encode(verdict(replace(one, series=one.series + one.series))) == encode(verdict(one))


@THOROUGHLY
@given(one=cases())
def test_a_case_read_back_gives_the_same_bytes(one: Case) -> None:
    again = decode(encode(one), Case)
    assert encode(again) == encode(one)
    assert encode(verdict(again)) == encode(verdict(one))


# --- a source goes missing ---


def _gone(one: Case, source: str, status: str = "failed", **changes: object) -> Case:
    coverage = tuple(Coverage(c.source, status, "gone") if c.source == source else c for c in one.coverage)  # type: ignore[arg-type]
    return replace(one, coverage=coverage, **changes)


def _without_pulls(one: Case) -> Case:
    baseline = replace(one.baseline, pulls=0, p50_seconds=None, p95_seconds=None) if one.baseline else None
    return _gone(one, "pulls", pulls=(), registries=(), registry_minutes=(), baseline=baseline)


def _without_limits(one: Case) -> Case:
    pool = replace(one.pool, vm=VmLimits(one.pool.vm_size), os_disk=OsDisk(one.pool.os_disk.kind))
    return _gone(one, "limits", "partial", pool=pool, other_vms=(), disk_tiers=())


REMOVALS: dict[str, Callable[[Case], Case]] = {
    "metrics": lambda one: _gone(one, "metrics", series=()),
    "pulls": _without_pulls,
    "limits": _without_limits,
    "baseline": lambda one: _gone(one, "baseline", baseline=Baseline(one.window)),
    "registry_log": lambda one: _gone(one, "registry_log", registry_minutes=()),
    "network": lambda one: _gone(one, "network", network=(), egress=()),
}


@pytest.mark.parametrize("source", REMOVALS)
@settings(THOROUGHLY, max_examples=100)
@given(one=cases())
def test_a_missing_source_never_makes_surer(source: str, one: Case) -> None:
    """Neither of the same cause, nor of any where all the evidence together did not suffice."""
    before, after = verdict(one), verdict(REMOVALS[source](one))
    if source == "limits":
        assume(before.cause is not Cause.UNKNOWN)  # a limit may show that a disk at "100 %" was bursting: evidence against
    if source == "baseline":
        assume(before.impact.slow == after.impact.slow)  # without it "slow" means less: another question
    if after.cause is before.cause or before.cause is Cause.UNKNOWN:
        assert after.confidence <= before.confidence


def _missing(one: Case) -> float:
    """Part of the node-minutes without a value."""
    return sum(s.values.count(None) for s in one.series) / max(1, sum(len(s.values) for s in one.series))


@pytest.mark.parametrize("source", REMOVALS)
@settings(THOROUGHLY, max_examples=100)
@given(one=cases())
def test_a_missing_source_never_clears_what_was_not_cleared(source: str, one: Case) -> None:
    before, after = verdict(one), verdict(REMOVALS[source](one))
    if source == "limits":
        assume(before.cause is not Cause.UNKNOWN)  # a limit may show that a disk at "100 %" was bursting: evidence against
    if source == "baseline":
        assume(before.impact.slow == after.impact.slow)
    if source == "pulls":  # a node that only its pulls tell of is gone with them
        assume({p.node for p in one.pulls} <= {s.node for s in one.series})
        assume(not 0 < _missing(one) <= 1 - MEASURED_EVERYWHERE)  # so few minutes may be missing, and may be the slow ones
    cleared_before, cleared_after = ({f.cause for f in d.findings if f.verdict is Verdict.CLEARED} for d in (before, after))
    assert cleared_after <= cleared_before


@THOROUGHLY
@given(one=slow_cases(), node=st.sampled_from(NODES))
def test_a_disk_that_was_not_measured_where_pulls_were_slow_is_not_cleared(one: Case, node: str) -> None:
    """Other nodes' quiet disks say nothing about the one that matters."""
    assume(all(p.node == node or (p.seconds or 0) + (p.waiting_seconds or 0) < 10 for p in one.pulls if p.outcome == "pulled"))
    blind = replace(one, series=tuple(s for s in one.series if s.node != node), pulls=tuple(p for p in one.pulls if p.outcome == "pulled"))
    cleared = {f.cause for f in verdict(blind).findings if f.verdict is Verdict.CLEARED}
    assert not cleared & {Cause.DISK_IOPS, Cause.DISK_BANDWIDTH, Cause.CPU_UNPACK}


# --- absurd values ---


ABSURD = (math.nan, math.inf, -math.inf, -1.0, -1e300, 1e18, 1e300)


@THOROUGHLY
@given(one=cases(), data=st.data())
def test_an_absurd_measurement_counts_as_none(one: Case, data: st.DataObject) -> None:
    which = data.draw(st.sets(st.integers(0, len(one.series) - 1), max_size=12))
    at, value = data.draw(st.integers(0, MINUTES - 1)), data.draw(st.sampled_from(ABSURD))
    absurd, missing = (_set(one, which, at, v) for v in (value, None))
    assert meaning(verdict(absurd)) == meaning(verdict(missing))


def _set(one: Case, which: Iterable[int], at: int, value: float | None) -> Case:
    chosen = set(which)
    return replace(one, series=tuple(
        replace(s, values=(*s.values[:at], value, *s.values[at + 1:])) if n in chosen else s for n, s in enumerate(one.series)))


@THOROUGHLY
@given(one=cases(), wrong=st.sampled_from(ABSURD), what=st.sampled_from(("seconds", "waiting_seconds")), like=pulled())
def test_a_pull_of_an_absurd_length_counts_as_none(one: Case, wrong: float, what: str, like: Pull) -> None:
    assert meaning(verdict(_and(one, replace(like, **{what: wrong})))) == meaning(verdict(one))


@THOROUGHLY
@given(one=cases(), days=st.integers(1, 4000), like=st.one_of(pulled(), failures()))
def test_a_pull_from_the_future_counts_as_none(one: Case, days: int, like: Pull) -> None:
    future = minute(MINUTES) + timedelta(days=days)
    late = replace(like, at=future, first_at=future if like.first_at else None)
    assert meaning(verdict(_and(one, late))) == meaning(verdict(one))


@THOROUGHLY
@given(one=cases(), wrong=st.sampled_from((*ABSURD, 0.0)),
       field=st.sampled_from(("iops", "bytes_per_second", "burst_iops", "burst_bytes_per_second")))
def test_an_absurd_limit_of_the_disk_counts_as_not_known(one: Case, wrong: float, field: str) -> None:
    absurd, unknown = (replace(one, pool=replace(one.pool, os_disk=replace(one.pool.os_disk, **{field: v}))) for v in (wrong, None))
    assert meaning(_anonymous(verdict(absurd))) == meaning(_anonymous(verdict(unknown)))


@THOROUGHLY
@given(one=cases(), wrong=st.sampled_from((*ABSURD, 0.0)),
       field=st.sampled_from(("uncached_iops", "uncached_bytes_per_second", "cached_iops", "cached_bytes_per_second", "cache_gib", "network_bits_per_second")))
def test_an_absurd_limit_of_the_vm_counts_as_not_known(one: Case, wrong: float, field: str) -> None:
    absurd, unknown = (replace(one, pool=replace(one.pool, vm=replace(one.pool.vm, **{field: v}))) for v in (wrong, None))
    assert meaning(_anonymous(verdict(absurd))) == meaning(_anonymous(verdict(unknown)))


def _anonymous(d: Diagnosis) -> Diagnosis:
    """Without the pool, which a diagnosis repeats from its Case."""
    return replace(d, pool=replace(d.pool, os_disk=OsDisk("managed"), vm=VmLimits("")))


@THOROUGHLY
@given(one=cases(), wrong=st.sampled_from(ABSURD))
def test_an_absurd_usual_time_counts_as_not_known(one: Case, wrong: float) -> None:
    absurd, unknown = (replace(one, baseline=replace(one.baseline, p50_seconds=v, p95_seconds=v)) for v in (wrong, None))  # type: ignore[type-var]
    assert meaning(verdict(absurd)) == meaning(verdict(unknown))


@pytest.mark.parametrize("metric", ["OS Disk IOPS Consumed Percentage", "OS Disk Bandwidth Consumed Percentage", "Percentage CPU", "VM Uncached Bandwidth Consumed Percentage"])
def test_a_percentage_far_beyond_all_of_it_blames_nobody(metric: str) -> None:
    """No limit is used a thousandfold: such a number is a misreading."""
    said = verdict(case(storm={metric: 1e7})).cause
    assert said is verdict(case(measured=tuple(replace(s, values=(None,) * MINUTES) if s.metric == metric else s for s in series(QUIET)))).cause


@pytest.mark.parametrize("strange", [
    case(measured=()), case(pulls=()), case(coverage=()), case(registries=(), baseline=None, other_vms=(), disk_tiers=()),
    case(measured=(Series("", T0, ""), Series("OS Disk Queue Depth", T0, NODES[0], step_seconds=0, values=(1.0,)))),
    case(measured=(Series("Percentage CPU", T0 - timedelta(days=9000), NODES[0], values=(99.0,) * 5),)),
    case(measured=tuple(replace(s, values=s.values * 50) for s in series(QUIET))),
    case(pulls=[pull("", 5, 240, image="", pod="/")]), case(pulls=[replace(pull(NODES[0], 5, 240), at=T0 - timedelta(days=30))]),
    case(pulls=[replace(pull(NODES[0], 5, 240), count=10**12, size_bytes=-5)]),
], ids=["no series", "no pulls", "no coverage", "nothing around", "nameless series", "long ago", "too long", "nameless pull", "old pull", "absurd count"])
def test_a_strange_case_gets_a_verdict(strange: Case) -> None:
    assert isinstance(encode(verdict(strange)), bytes)


@pytest.mark.parametrize("seconds", [-3600, 0, 1, 86_400 * 400])
def test_a_window_that_is_reversed_empty_or_a_year_long_gets_a_verdict(seconds: float) -> None:
    one = case(storm={"OS Disk IOPS Consumed Percentage": 100})
    assert verdict(replace(one, window=replace(one.window, end=one.window.start + timedelta(seconds=seconds)))).cause in Cause


# --- the same in other sizes ---


@THOROUGHLY
@given(one=slow_cases(), node=st.sampled_from(NODES))
def test_a_part_of_the_pool_blames_nobody_whom_the_whole_does_not_know(one: Case, node: str) -> None:
    whole = set(shares(one))
    for part in (_only(one, {node}), _only(one, set(NODES) - {node})):
        found = verdict(part)
        assert found.culprit is None or found.culprit.cause in whole


def _only(one: Case, nodes: set[str]) -> Case:
    return replace(one, series=tuple(s for s in one.series if s.node in nodes), pulls=tuple(p for p in one.pulls if p.node in nodes))


@THOROUGHLY
@given(disk=st.sampled_from((P10, EPHEMERAL)), factor=st.sampled_from((0.5, 2.0, 3.0)), waits=st.lists(
    st.tuples(st.sampled_from(NODES), st.floats(0, 400), st.floats(0, 100)), min_size=1, max_size=8), data=st.data())
def test_the_same_at_another_speed_ranks_causes_alike(disk: OsDisk, factor: float, waits: list[tuple[str, float, float]], data: st.DataObject) -> None:
    """Nodes each steady at one load: when everything takes twice as long, nothing else changes."""
    loads = {node: data.draw(st.sampled_from(({}, {"OS Disk IOPS Consumed Percentage": 100}, {"Percentage CPU": 95}, {"Network In Total": 14e9})))
             for node in NODES}

    def at(speed: float) -> dict[Cause, float]:
        long = 20 * speed
        measured = tuple(Series(metric, T0, node, values=(float(loads[node].get(metric, usual)),) * round(long))
                         for node in NODES for metric, usual in QUIET.items())
        found = [replace(pull(node, long, seconds * speed, waiting=queued * speed, pod=f"shop/{n}"), size_bytes=round(speed * 1_200_000_000))
                 for n, (node, seconds, queued) in enumerate(waits)]
        one = case(disk, pulls=found, measured=measured, baseline=None)
        return shares(replace(one, window=replace(one.window, end=minute(long))), Thresholds(slow_pull_seconds=60 * speed))

    assert at(factor) == pytest.approx(at(1.0), abs=1e-6)
