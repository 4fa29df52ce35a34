"""Incidents open once, change when they matter more, and end only after several calm looks."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from shared.model import (
    Cause,
    Cluster,
    Diagnosis,
    Impact,
    NodePool,
    Operation,
    OsDisk,
    Severity,
    VmLimits,
    Window,
)
from shared.watch.incidents import assessed, gone, summed_up
from shared.watch.state import PoolState

T0 = datetime(2026, 11, 24, 10, tzinfo=UTC)
CLUSTER = Cluster("/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/prod", "prod",
                  "westeurope", "s", "rg", "MC_rg")
POOL = NodePool("apps", "/vmss", "westeurope", "Standard_D4s_v3", 10, OsDisk("managed"), VmLimits("Standard_D4s_v3"))
EMPTY = PoolState(pool="apps")
UPGRADE = Operation("0f", CLUSTER.id, "apps", "upgrade", T0, T0, ended_at=T0 + timedelta(minutes=20), outcome="succeeded")


def diagnosis(cause: Cause = Cause.DISK_IOPS, severity: Severity = Severity.WARNING, name: str = "d1") -> Diagnosis:
    return Diagnosis(id=name, cluster=CLUSTER, pool=POOL, window=Window(T0, T0 + timedelta(minutes=30)), cause=cause,
                     confidence=0.9, severity=severity, headline="…", findings=(), impact=Impact(nodes_total=10))


HEALTHY = diagnosis(Cause.HEALTHY, Severity.OK)


def test_a_bad_diagnosis_opens_an_incident_and_tells_once() -> None:
    first = assessed(EMPTY, diagnosis(), T0, 2)
    assert first.notice is not None
    assert (first.notice.kind, first.reason) == ("opened", "incident_opened")
    again = assessed(first.state, diagnosis(name="d2"), T0, 2)
    assert (again.notice, again.reason) == (None, "still_the_same")


@pytest.mark.parametrize("severity", [Severity.OK, Severity.NOTICE])
def test_a_diagnosis_that_is_not_bad_opens_nothing(severity: Severity) -> None:
    outcome = assessed(EMPTY, diagnosis(severity=severity), T0, 2)
    assert (outcome.notice, outcome.state.incident) == (None, None)


def test_the_same_incident_told_again_after_a_crash_is_the_same_notice() -> None:
    first, second = (assessed(EMPTY, diagnosis(), T0 + timedelta(seconds=s), 2).notice for s in (0, 30))
    assert first is not None
    assert second is not None
    assert first.id == second.id


def test_a_calm_look_or_two_end_an_incident_but_not_one_alone() -> None:
    state = assessed(EMPTY, diagnosis(), T0, 2).state
    once = assessed(state, HEALTHY, T0, 2)
    assert (once.notice, once.reason) == (None, "calm_but_not_for_long")
    twice = assessed(once.state, HEALTHY, T0 + timedelta(minutes=5), 2)
    assert twice.notice is not None
    assert (twice.notice.kind, twice.state.incident) == ("resolved", None)
    assert twice.notice.incident is not None
    assert twice.notice.incident.resolved_at == T0 + timedelta(minutes=5)


def test_trouble_between_calm_looks_starts_the_count_again() -> None:
    state = assessed(EMPTY, diagnosis(), T0, 2).state
    for seen in (HEALTHY, diagnosis(), HEALTHY):
        outcome = assessed(state, seen, T0, 2)
        assert outcome.notice is None
        state = outcome.state


def test_not_seeing_anything_ends_no_incident() -> None:
    state = assessed(EMPTY, diagnosis(), T0, 1).state
    blind = assessed(state, diagnosis(Cause.UNKNOWN, Severity.NOTICE), T0, 1)
    assert (blind.notice, blind.reason) == (None, "not_seen_to_be_well")
    assert blind.state.incident is not None


@pytest.mark.parametrize(("worse", "reason"), [
    (diagnosis(Cause.REGISTRY_THROTTLED), "cause_changed"), (diagnosis(severity=Severity.CRITICAL), "severity_raised"),
])
def test_another_cause_or_a_higher_severity_is_told(worse: Diagnosis, reason: str) -> None:
    outcome = assessed(assessed(EMPTY, diagnosis(), T0, 2).state, worse, T0, 2)
    assert outcome.notice is not None
    assert (outcome.notice.kind, outcome.reason) == ("changed", reason)


def test_a_lower_severity_or_a_blind_moment_is_not_told() -> None:
    state = assessed(EMPTY, diagnosis(severity=Severity.CRITICAL), T0, 2).state
    for seen in (diagnosis(), diagnosis(Cause.UNKNOWN)):
        assert assessed(state, seen, T0, 2).notice is None


def test_an_upgrade_always_ends_in_a_summary_that_closes_its_incident() -> None:
    state = replace(assessed(EMPTY, diagnosis(), T0, 2).state, operation=UPGRADE)
    outcome = summed_up(state, UPGRADE.id, diagnosis(), T0 + timedelta(minutes=23), "upgrades")
    assert outcome.notice is not None
    assert (outcome.notice.kind, outcome.notice.operation) == ("summary", UPGRADE)
    assert outcome.notice.incident is not None
    assert outcome.notice.incident.resolved_at is not None
    assert (outcome.state.operation, outcome.state.last_operation, outcome.state.incident) == (None, UPGRADE, None)
    assert summed_up(outcome.state, UPGRADE.id, diagnosis(), T0, "upgrades").reason == "already_summed_up"


@pytest.mark.parametrize(("kind", "seen", "summaries", "told"), [
    ("upgrade", HEALTHY, "upgrades", True), ("upgrade", HEALTHY, "problems", False), ("upgrade", diagnosis(), "problems", True),
    ("scale_out", HEALTHY, "upgrades", False), ("scale_out", diagnosis(), "upgrades", True), ("scale_out", HEALTHY, "all", True),
])
def test_which_summaries_are_told_is_a_setting(kind: str, seen: Diagnosis, summaries: str, told: bool) -> None:
    operation = replace(UPGRADE, kind=kind)  # type: ignore[arg-type]
    outcome = summed_up(replace(EMPTY, operation=operation), operation.id, seen, T0, summaries)
    assert (outcome.notice is not None) is told
    assert outcome.state.last_operation == operation


def test_a_failed_upgrade_is_summed_up_even_when_only_problems_are_told() -> None:
    failed = replace(UPGRADE, outcome="failed")
    assert summed_up(replace(EMPTY, operation=failed), failed.id, HEALTHY, T0, "problems").notice is not None


def test_an_upgrade_that_the_next_one_followed_at_once_is_summed_up_and_leaves_it_the_incident() -> None:
    open_incident = assessed(EMPTY, diagnosis(), T0, 2).state
    failed, again = replace(UPGRADE, outcome="failed"), replace(UPGRADE, id="1a", ended_at=None, started_at=T0 + timedelta(minutes=21))
    state = replace(open_incident, superseded=(failed,), operation=again)
    outcome = summed_up(state, failed.id, diagnosis(), T0 + timedelta(minutes=23), "upgrades")
    assert outcome.notice is not None
    assert (outcome.notice.operation, outcome.notice.incident) == (failed, None)
    assert (outcome.state.superseded, outcome.state.operation, outcome.state.last_operation) == ((), again, failed)
    assert outcome.state.incident == open_incident.incident


def test_a_pool_that_is_gone_takes_its_incident_along_and_whoever_was_told_is_told() -> None:
    first = assessed(replace(EMPTY, capacity=10), diagnosis(), T0, 2)
    outcome = gone(replace(first.state, operation=UPGRADE), first.notice, T0 + timedelta(hours=1))
    assert outcome.notice is not None
    assert (outcome.notice.kind, outcome.notice.reason) == ("resolved", "pool_gone")
    assert outcome.notice.incident is not None
    assert outcome.notice.incident.resolved_at == T0 + timedelta(hours=1)
    assert outcome.state == replace(EMPTY, assessed_at=T0)
    assert gone(outcome.state, None, T0).reason == "not_watched"


def test_a_pool_that_goes_without_an_incident_goes_quietly() -> None:
    outcome = gone(replace(EMPTY, operation=UPGRADE), None, T0)
    assert (outcome.notice, outcome.state, outcome.reason) == (None, EMPTY, "pool_gone")
