"""Which cause the evidence names, and when it does not suffice to name one."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from shared.diagnose import diagnose
from shared.model import (
    Baseline,
    Case,
    Cause,
    Coverage,
    Diagnosis,
    EgressHop,
    Finding,
    Pull,
    Registry,
    Remedy,
    Series,
    Severity,
    Thresholds,
    Verdict,
    decode,
    encode,
)

from .cases import (
    ALL_SEEN,
    CLUSTER,
    EPHEMERAL,
    EPHEMERAL_QUIET,
    FAST,
    MINUTES,
    NODES,
    P10,
    QUIET,
    SLOW,
    STORM,
    T0,
    case,
    failed,
    pull,
    series,
)

BANDWIDTH_STORM = {"VM Cached Bandwidth Consumed Percentage": 100, "OS Disk Write Bytes/sec": 63e6, "OS Disk Write Operations/Sec": 500,
                   "OS Disk Queue Depth": 27}


def verdict(c: Case) -> Diagnosis:
    return diagnose(c, Thresholds())


def finding(d: Diagnosis, cause: Cause) -> Finding:
    return next(f for f in d.findings if f.cause is cause)


def without(source: str, status: str = "failed") -> tuple[Coverage, ...]:
    return tuple(Coverage(c.source, status, "gone") if c.source == source else c for c in ALL_SEEN)  # type: ignore[arg-type]


def test_a_managed_disk_at_its_500_iops_is_the_culprit() -> None:
    d = verdict(case(storm=STORM))
    assert (d.cause, d.severity) == (Cause.DISK_IOPS, Severity.CRITICAL)
    assert d.culprit is not None
    assert d.culprit.evidence[0].text == "The OS disk is the bottleneck: its 500 IOPS are used up on 2 of 2 nodes"
    assert d.headline == "Image pulls on prod-weu / apps are 6 × slower than usual: OS disk at its 500 IOPS"
    assert d.confidence > 0.9


def test_an_ephemeral_disk_at_its_64_mb_s_is_the_culprit() -> None:
    d = verdict(case(EPHEMERAL, values=EPHEMERAL_QUIET, storm=BANDWIDTH_STORM))
    assert d.cause is Cause.DISK_BANDWIDTH
    assert d.culprit is not None
    assert "its 64 MB/s are used up" in d.culprit.evidence[0].text


def test_a_managed_disk_that_the_vm_throttles_below_its_own_limit_blames_the_vm() -> None:
    storm = {"VM Uncached Bandwidth Consumed Percentage": 100, "OS Disk Bandwidth Consumed Percentage": 96, "OS Disk Write Bytes/sec": 95e6}
    d = verdict(case(storm=storm))
    assert d.cause is Cause.DISK_VM_CAP
    assert d.culprit is not None
    assert "lets no more than 96 MB/s through" in d.culprit.evidence[0].text


def test_credits_that_run_out_in_the_window_are_told_from_a_disk_that_never_burst() -> None:
    used_credits = "OS Disk Used Burst IO Credits Percentage"
    ran_out = tuple(replace(s, values=(40.0, None, 99.5, *[None] * 7)) if s.metric == used_credits else s for s in series(QUIET, STORM))
    assert verdict(case(measured=ran_out)).cause is Cause.DISK_BURST
    assert verdict(case(storm=STORM)).cause is Cause.DISK_IOPS


def test_the_minute_in_which_credits_run_out_counts_as_full_not_as_twice_full() -> None:
    """Its average lies between the burst limit, before, and the provisioned one, after."""
    changed = {"OS Disk Used Burst IO Credits Percentage": (40.0, None, 99.5), "OS Disk IOPS Consumed Percentage": (20.0, 20.0, 205.0, 100.0, 100.0, 100.0),
               "OS Disk Write Operations/Sec": (90.0, 90.0, 1015.0, 490.0, 490.0, 490.0)}
    ran_out = tuple(replace(s, values=(*changed[s.metric], *s.values[len(changed[s.metric]):])) if s.metric in changed else s for s in series(QUIET))
    found = finding(verdict(case(measured=ran_out)), Cause.DISK_BURST)
    assert found.verdict is Verdict.CULPRIT
    assert "at up to 100 % of the limit" in found.evidence[1].text


IO_CREDITS, IOPS, WRITES = "OS Disk Used Burst IO Credits Percentage", "OS Disk IOPS Consumed Percentage", "OS Disk Write Operations/Sec"


def minutes_of(**changed: Sequence[float | None]) -> tuple[Series, ...]:
    """The quiet pool, with other values from the window's first minute on: ``credits``, ``percent``, ``writes``."""
    of = {IO_CREDITS: changed.get("credits", ()), IOPS: changed.get("percent", ()), WRITES: changed.get("writes", ())}
    return tuple(replace(s, values=(*of.get(s.metric, ()), *s.values[len(of.get(s.metric, ())):])) for s in series(QUIET))


BURST_THEN_SPENT = minutes_of(credits=(40.0, None, None, None, 99.5), percent=(20.0, 20.0, 700.0, 700.0, 100.0, 100.0), writes=(90.0, 90.0, 3490.0, 3490.0, 490.0, 490.0))


def test_before_its_credits_ran_out_a_full_disk_was_at_its_burst_limit() -> None:
    d = verdict(case(measured=BURST_THEN_SPENT))
    shares = {f.cause: f.share for f in d.findings if f.share}
    assert shares == {Cause.DISK_IOPS: 0.5, Cause.DISK_BURST: 0.5}
    assert "3,500 IOPS of burst" in finding(d, Cause.DISK_IOPS).evidence[0].text
    assert "the 500 IOPS that are left" in finding(d, Cause.DISK_BURST).evidence[0].text


def test_bytes_are_not_out_of_credits_because_operations_are() -> None:
    out_of_operations = minutes_of(credits=(40.0, None, 99.5))
    full_of_bytes = {"OS Disk Bandwidth Consumed Percentage": 100.0, "OS Disk Write Bytes/sec": 98e6}
    measured = tuple(replace(s, values=tuple(full_of_bytes[s.metric] if m in range(2, 6) else v for m, v in enumerate(s.values)))
                     if s.metric in full_of_bytes else s for s in out_of_operations)
    assert verdict(case(measured=measured)).cause is Cause.DISK_BANDWIDTH


def test_a_disk_that_burst_for_one_of_its_full_minutes_is_told_by_its_provisioned_limit() -> None:
    once = minutes_of(credits=(20.0,) * MINUTES, percent=(20.0, 20.0, 700.0, 100.0, 100.0, 100.0), writes=(90.0, 90.0, 3490.0, 490.0, 490.0, 490.0))
    assert verdict(case(measured=once)).headline.endswith("OS disk at its 500 IOPS")


def test_beyond_its_limit_without_credits_a_disk_is_full() -> None:
    """What went beyond was burst in an earlier part of the minute."""
    assert QUIET[IO_CREDITS] == 100
    d = verdict(case(measured=minutes_of(percent=(20.0, 20.0, 205.0, 205.0, 205.0, 205.0), writes=(90.0, 90.0, 1015.0, 1015.0, 1015.0, 1015.0))))
    assert d.cause is Cause.DISK_IOPS
    assert "at up to 100 % of the limit" in finding(d, Cause.DISK_IOPS).evidence[1].text


def test_reads_that_the_hosts_cache_served_are_none_of_the_disks() -> None:
    cached = {"OS Disk Read Operations/Sec": 3400, IO_CREDITS: 20}
    assert finding(verdict(case(storm=cached)), Cause.DISK_IOPS).verdict is Verdict.CLEARED


@pytest.mark.parametrize("percent", [300, 100, 43], ids=["of the provisioned limit", "ending at 100", "of the burst limit"])
def test_a_disk_that_bursts_far_above_its_provisioned_iops_is_not_used_up(percent: float) -> None:
    """Whichever way Azure's percentage is meant: it is not documented."""
    bursting = {"OS Disk IOPS Consumed Percentage": percent, "OS Disk Write Operations/Sec": 1500, "OS Disk Queue Depth": 8,
                "OS Disk Used Burst IO Credits Percentage": 20}
    assert finding(verdict(case(storm=bursting)), Cause.DISK_IOPS).verdict is Verdict.CLEARED


def test_a_disk_without_credits_for_operations_still_bursts_in_bytes() -> None:
    bursting = {"OS Disk Bandwidth Consumed Percentage": 130, "OS Disk Write Bytes/sec": 129e6, "OS Disk Queue Depth": 8}
    assert QUIET["OS Disk Used Burst IO Credits Percentage"] == 100
    assert finding(verdict(case(storm=bursting)), Cause.DISK_BANDWIDTH).verdict is Verdict.CLEARED


@pytest.mark.parametrize("percent", [700, 100], ids=["of the provisioned limit", "of the burst limit"])
def test_a_disk_that_is_full_while_it_bursts_is_told_by_its_burst_limit(percent: float) -> None:
    bursting = {"OS Disk IOPS Consumed Percentage": percent, "OS Disk Write Operations/Sec": 3490, "OS Disk Queue Depth": 34,
                "OS Disk Used Burst IO Credits Percentage": 20}
    d = verdict(case(storm=bursting))
    assert d.headline.endswith("OS disk at its 3,500 IOPS of burst")
    assert "its 3,500 IOPS of burst are used up on 2 of 2 nodes" in finding(d, Cause.DISK_IOPS).evidence[0].text


BURSTING_VM = {"VM Uncached Bandwidth Consumed Percentage": 177, "OS Disk Bandwidth Consumed Percentage": 170, "OS Disk Write Bytes/sec": 169e6}


@pytest.mark.parametrize(("burst_mb", "cause", "told"), [
    (200, Cause.DISK_BANDWIDTH, "its 170 MB/s of burst are used up"),
    (165, Cause.DISK_VM_CAP, "lets no more than 165 MB/s of burst through"),
])
def test_a_vm_that_bursts_is_judged_by_its_burst_limit(burst_mb: int, cause: Cause, told: str) -> None:
    c = case(storm=BURSTING_VM)
    d = verdict(replace(c, pool=replace(c.pool, vm=replace(c.pool.vm, uncached_burst_iops=8000.0, uncached_burst_bytes_per_second=burst_mb * 1e6))))
    assert d.cause is cause
    assert told in finding(d, cause).evidence[0].text


@pytest.mark.parametrize(("unexplained", "said"), [
    ((), Verdict.CLEARED),
    ((pull(NODES[1], 3, 65), pull(NODES[1], 9, 65)), Verdict.CONTRIBUTING),
])
def test_a_limit_reached_for_a_moment_is_cleared_unless_slow_time_is_left_unexplained(unexplained: tuple[Pull, ...], said: Verdict) -> None:
    """Of a minute's average nobody can tell how long the limit was reached in it."""
    for_a_moment = tuple(replace(s, values=(99.0, *s.values[1:])) if s.metric == "OS Disk IOPS Consumed Percentage" else s for s in series(QUIET))
    throttled = failed(NODES[0], 0.9, 9, "throttled", count=9)
    d = verdict(case(measured=for_a_moment, pulls=(throttled, *unexplained)))
    assert d.cause is Cause.REGISTRY_THROTTLED
    assert finding(d, Cause.DISK_IOPS).verdict is said


def test_a_full_disk_is_less_sure_to_be_the_culprit_while_images_come_from_afar() -> None:
    far = Registry("contoso.azurecr.io", "/acr", "Premium", "eastus", ("eastus", "westus"))
    near, distant = verdict(case(storm=STORM)), verdict(case(storm=STORM, registries=(far,)))
    assert near.cause is distant.cause is Cause.DISK_IOPS
    assert distant.confidence <= near.confidence - 0.3
    assert "another region" in finding(distant, Cause.DISK_IOPS).evidence[-1].text


@pytest.mark.parametrize(("usual_seconds", "cause", "share"), [(200.0, Cause.REGISTRY_DISTANT, 0.8333), (41.0, Cause.DISK_IOPS, 0.8292)])
def test_of_a_pull_from_afar_a_full_disk_explains_what_came_on_top_of_the_usual(usual_seconds: float, cause: Cause, share: float) -> None:
    """The distance is always there: 200 of 240 s, or 41 of them, are what pulls take without any trouble."""
    far = Registry("contoso.azurecr.io", "/acr", "Premium", "eastus", ("eastus", "westus"))
    usual = replace(case().baseline or Baseline(case().window), p95_seconds=usual_seconds)
    d = verdict(case(storm=STORM, registries=(far,), baseline=usual))
    assert d.cause is cause
    assert finding(d, cause).share == share


def test_a_deep_queue_alone_blames_no_disk() -> None:
    d = verdict(case(storm={"OS Disk Queue Depth": 40}))
    assert all(finding(d, c).verdict is Verdict.CLEARED for c in (Cause.DISK_IOPS, Cause.DISK_BANDWIDTH, Cause.DISK_VM_CAP))


def test_a_busy_disk_with_fast_pulls_is_healthy_with_a_note() -> None:
    d = verdict(case(storm=STORM, pulls=FAST))
    assert (d.cause, d.severity) == (Cause.HEALTHY, Severity.OK)
    assert "without slowing a pull" in finding(d, Cause.DISK_IOPS).evidence[-1].text


def test_one_hot_node_among_many_is_seen() -> None:
    nodes = [f"aks-apps-12345678-vmss0000{n:02d}" for n in range(30)]
    calm = series(QUIET, nodes=nodes[1:])
    hot = series(QUIET, STORM, nodes=nodes[:1])
    pulls = [pull(nodes[0], 6, 240), *(pull(n, 6, 9) for n in nodes[1:])]
    d = verdict(case(measured=calm + hot, pulls=pulls))
    assert d.cause is Cause.DISK_IOPS
    assert d.impact.nodes_affected == 1


def test_pulls_refused_with_429_blame_the_registry_while_disks_are_quiet() -> None:
    pulls = [p for node in NODES for p in (failed(node, 1, 4, "throttled", pod=f"shop/{node}"), pull(node, 5, 8, pod=f"shop/{node}"))]
    d = verdict(case(pulls=pulls))
    assert (d.cause, d.impact.slow) == (Cause.REGISTRY_THROTTLED, 2)
    assert d.culprit is not None
    assert "contoso.azurecr.io answered 429" in d.culprit.evidence[0].text
    assert "az acr update --name contoso --sku Premium" in d.culprit.remedies[0].command


@pytest.mark.parametrize(("image", "name"), [("nginx:1", "Docker Hub"), ("mcr.microsoft.com/a:1", "Microsoft's registry (MCR)")])
def test_whose_429_it_was_is_told_by_the_image(image: str, name: str) -> None:
    d = verdict(case(pulls=[failed(NODES[0], 1, 9, "throttled", image=image)]))
    assert d.cause is Cause.REGISTRY_THROTTLED
    assert d.culprit is not None
    assert name in d.culprit.evidence[0].text


def test_pulls_that_queue_behind_others_on_a_quiet_node_blame_the_serial_kubelet() -> None:
    pulls = [pull(node, 6, 5, waiting=200) for node in NODES]
    assert verdict(case(pulls=pulls)).cause is Cause.KUBELET_SERIAL


def test_pulls_that_queue_behind_others_held_up_by_the_disk_blame_the_disk() -> None:
    pulls = [pull(node, 6, 40, waiting=200) for node in NODES]
    assert verdict(case(storm=STORM, pulls=pulls)).cause is Cause.DISK_IOPS


def test_pull_qps_exceeded_blames_the_kubelets_own_limit() -> None:
    assert verdict(case(pulls=[failed(NODES[0], 1, 8, "kubelet_qps")])).cause is Cause.KUBELET_QPS


def test_a_cpu_without_room_to_unpack_is_the_culprit() -> None:
    assert verdict(case(storm={"Percentage CPU": 98})).cause is Cause.CPU_UNPACK


def test_a_full_link_is_the_culprit() -> None:
    assert verdict(case(storm={"Network In Total": 14e9})).cause is Cause.NETWORK_NIC


def test_a_slow_pull_with_nothing_in_the_way_is_the_image() -> None:
    assert verdict(case()).cause is Cause.IMAGE_SIZE


def test_a_slow_pull_from_another_region_with_nothing_else_in_the_way_is_the_distance() -> None:
    far = Registry("contoso.azurecr.io", "/acr", "Premium", "eastus", ("eastus", "westus"))
    assert verdict(case(registries=(far,))).cause is Cause.REGISTRY_DISTANT


def test_an_image_that_does_not_exist_is_not_a_slow_pull() -> None:
    d = verdict(case(pulls=[failed(NODES[0], 1, 9, "not_found"), *FAST]))
    assert (d.cause, d.impact.failed) == (Cause.HEALTHY, 1)


def hop_series(metric: str, value: float, label: str = "", during: range = range(2, 6)) -> Series:
    return Series(metric, T0, label, values=tuple(value if m in during else 0.0 for m in range(MINUTES)), resource="/lb")


LOAD_BALANCER = EgressHop("load_balancer", "/lb", "westeurope")
FIREWALL = EgressHop("firewall", "/fw", "westeurope", 30e9)
BEHIND_FIREWALL = replace(CLUSTER, outbound_type="userDefinedRouting")


def test_timeouts_with_failed_snat_connections_blame_the_ports() -> None:
    network = (hop_series("SnatConnectionCount", 400.0, "Failed"), hop_series("SnatConnectionCount", 900.0, "Successful"),
               hop_series("UsedSnatPorts", 1020.0, "10.0.0.5/TCP"), hop_series("AllocatedSnatPorts", 1024.0, "10.0.0.5/TCP"))
    d = verdict(case(pulls=[failed(NODES[0], 1, 9, "timeout")], egress=(LOAD_BALANCER,), network=network))
    assert d.cause is Cause.NETWORK_SNAT
    assert d.culprit is not None
    assert "1,600 outbound connections failed at the load balancer" in d.culprit.evidence[0].text
    assert "--load-balancer-managed-outbound-ip-count" in d.culprit.remedies[0].command


def test_timeouts_without_a_look_at_snat_have_an_unknown_cause() -> None:
    d = verdict(case(pulls=[failed(NODES[0], 1, 9, "timeout")], egress=(), network=()))
    assert (d.cause, finding(d, Cause.NETWORK_SNAT).verdict) == (Cause.UNKNOWN, Verdict.UNKNOWN)


def test_no_failed_connection_clears_the_ports() -> None:
    d = verdict(case(storm=STORM, egress=(LOAD_BALANCER,), network=(hop_series("SnatConnectionCount", 0.0, "Failed"),)))
    assert finding(d, Cause.NETWORK_SNAT).evidence[0].text == "no SNAT connection failed"


def test_a_firewall_at_its_published_throughput_is_the_culprit() -> None:
    d = verdict(case(cluster=BEHIND_FIREWALL, egress=(FIREWALL,), network=(hop_series("Throughput", 28.5e9),)))
    assert d.cause is Cause.NETWORK_EGRESS
    assert d.culprit is not None
    assert "95 % of its 30 Gbit/s were used" in d.culprit.evidence[0].text


def test_a_firewall_with_room_to_spare_is_cleared_with_its_number() -> None:
    d = verdict(case(cluster=BEHIND_FIREWALL, storm=STORM, egress=(FIREWALL,), network=(hop_series("Throughput", 3e9),)))
    assert (d.cause, finding(d, Cause.NETWORK_EGRESS).evidence[0].text) == (Cause.DISK_IOPS, "10 % of the firewall")


def test_pull_times_estimated_from_pod_starts_suffice_to_blame_a_disk() -> None:
    estimated = tuple(replace(p, estimated=True, image="container web") for p in SLOW)
    d = verdict(case(storm=STORM, pulls=estimated, coverage=without("pulls", "partial")))
    assert d.cause is Cause.DISK_IOPS
    assert d.confidence < verdict(case(storm=STORM)).confidence


def test_back_off_before_an_estimated_start_is_counted_once() -> None:
    start = replace(pull(NODES[0], 8, 420, pod="shop/a"), estimated=True, image="container web")
    d = verdict(case(pulls=[failed(NODES[0], 2, 7, "throttled", pod="shop/a"), start], coverage=without("pulls", "partial")))
    assert (d.cause, d.impact.pulls, d.impact.p95_seconds) == (Cause.REGISTRY_THROTTLED, 1, 420.0)


@pytest.mark.parametrize("absurd", [float("nan"), float("inf"), -5.0, 1e18])
def test_absurd_values_count_as_not_measured(absurd: float) -> None:
    broken = tuple(replace(s, values=(absurd,) * MINUTES) for s in series(QUIET))
    d = verdict(case(measured=broken))
    assert d.cause is Cause.UNKNOWN
    assert not any(finding(d, c).verdict is Verdict.CULPRIT for c in Cause if c.layer == "disk")


def test_the_five_slowest_pulls_are_told_slowest_first() -> None:
    pulls = tuple(pull(NODES[0], 9, seconds) for seconds in (70, 90, 80, 75, 100, 72))
    assert [p.seconds for p in verdict(case(pulls=pulls)).impact.slowest] == [100, 90, 80, 75, 72]


def test_pulls_that_took_no_time_at_one_moment_are_no_repeats_of_each_other() -> None:
    at_once = tuple(pull(NODES[0], 5, 0, pod=f"shop/{n}") for n in range(5))
    assert finding(verdict(case(pulls=(*at_once, *SLOW))), Cause.KUBELET_REPULL).verdict is Verdict.CLEARED


def test_an_absurd_pull_time_is_left_out() -> None:
    d = verdict(case(pulls=[pull(NODES[0], 6, 1e9), pull(NODES[0], 6, float("nan")), *FAST]))
    assert (d.cause, d.impact.pulls) == (Cause.HEALTHY, 2)


# --- what was not seen clears nobody ---


def test_slow_pulls_without_metrics_have_an_unknown_cause() -> None:
    d = verdict(case(measured=(), coverage=without("metrics")))
    assert (d.cause, d.confidence) == (Cause.UNKNOWN, 0.0)
    for cause in (Cause.DISK_IOPS, Cause.DISK_BANDWIDTH, Cause.DISK_VM_CAP, Cause.CPU_UNPACK, Cause.NETWORK_NIC):
        assert finding(d, cause).verdict is Verdict.UNKNOWN


def test_slow_minutes_without_values_count_for_nobody() -> None:
    holes = tuple(replace(s, values=tuple(None if m in range(2, 6) else v for m, v in enumerate(s.values))) for s in series(QUIET))
    assert verdict(case(measured=holes)).cause is Cause.UNKNOWN


def test_pulls_that_cannot_be_seen_are_not_healthy() -> None:
    d = verdict(case(pulls=(), coverage=without("pulls", "missing")))
    assert (d.cause, d.severity, d.impact.pulls) == (Cause.UNKNOWN, Severity.NOTICE, None)
    assert finding(d, Cause.REGISTRY_THROTTLED).verdict is Verdict.UNKNOWN


def test_a_firewall_that_was_not_measured_may_be_to_blame() -> None:
    behind = replace(case().cluster, outbound_type="userDefinedRouting")
    d = verdict(case(cluster=behind))
    assert (d.cause, finding(d, Cause.NETWORK_EGRESS).verdict) == (Cause.UNKNOWN, Verdict.UNKNOWN)
    assert verdict(case(cluster=behind, storm=STORM)).cause is Cause.DISK_IOPS


def test_an_ephemeral_disk_without_consumed_metrics_is_judged_by_what_there_is() -> None:
    rates = {k: v for k, v in EPHEMERAL_QUIET.items() if "Consumed" not in k}
    storm = {"OS Disk Write Bytes/sec": 63e6, "OS Disk Read Bytes/sec": 1e6}
    assert verdict(case(EPHEMERAL, values=rates, storm=storm)).cause is Cause.DISK_BANDWIDTH
    bare = {k: v for k, v in rates.items() if not k.startswith("OS Disk")}
    assert finding(verdict(case(EPHEMERAL, values=bare)), Cause.DISK_BANDWIDTH).verdict is Verdict.UNKNOWN


def test_missing_sources_lower_the_confidence() -> None:
    assert verdict(case(storm=STORM, coverage=without("baseline", "missing"))).confidence < verdict(case(storm=STORM)).confidence


# --- always ---


@pytest.mark.parametrize("c", [case(), case(storm=STORM), case(pulls=()), case(measured=()), case(P10, pulls=FAST), case(series=(), pulls=(), coverage=())])
def test_every_cause_has_a_finding_and_every_finding_has_evidence(c: Case) -> None:
    d = verdict(c)
    assert sorted(f.cause for f in d.findings) == sorted(set(Cause) - {Cause.HEALTHY, Cause.UNKNOWN})
    assert all(f.evidence and f.evidence[0].text for f in d.findings)
    assert (d.culprit is None) == (d.cause in (Cause.HEALTHY, Cause.UNKNOWN))


def test_a_saved_case_gives_the_same_diagnosis_byte_for_byte() -> None:
    original = case(storm=STORM)
    assert encode(verdict(decode(encode(original), Case))) == encode(verdict(original))
    assert decode(encode(verdict(original)), Diagnosis) == verdict(original)


def test_an_iops_bound_pool_gains_from_ephemeral_and_a_bigger_disk() -> None:
    d = verdict(case(storm=STORM))
    assert d.culprit is not None
    first, second, *_ = d.culprit.remedies
    assert "--node-osdisk-type Ephemeral --node-osdisk-size 100" in first.command + second.command
    assert "8,000 IOPS, 64 MB/s, needs ≤ 100 GiB" in first.title + second.title
    assert all(r.p95_seconds is not None and r.p95_seconds < 70 for r in (first, second))


def test_a_bandwidth_bound_ephemeral_pool_is_told_a_managed_disk_up_to_the_vm_cap_then_a_bigger_vm() -> None:
    d = verdict(case(EPHEMERAL, values=EPHEMERAL_QUIET, storm=BANDWIDTH_STORM))
    assert d.culprit is not None
    managed, *others = d.culprit.remedies
    assert "96 MB/s, the VM's cap" in managed.title
    assert managed.p95_seconds is not None
    assert 150 < managed.p95_seconds < 170
    assert any("Standard_D4ds_v5" in r.title and r.p95_seconds is not None and r.p95_seconds < 70 for r in others)


def test_a_managed_pool_bound_by_bandwidth_is_warned_of_ephemeral() -> None:
    storm = {"VM Uncached Bandwidth Consumed Percentage": 100, "OS Disk Bandwidth Consumed Percentage": 96, "OS Disk Write Bytes/sec": 95e6}
    d = verdict(case(storm=storm, pulls=SLOW))
    assert d.culprit is not None
    (warning,) = [r for r in d.culprit.remedies if r.worse]
    assert "Ephemeral OS disk (8,000 IOPS, 64 MB/s" in warning.title
    assert warning.command == ""
    assert warning.p95_seconds is not None
    assert warning.p95_seconds > 240


def test_what_a_size_has_of_what_is_short_is_told_first() -> None:
    cpu, nic = verdict(case(storm={"Percentage CPU": 98})), verdict(case(storm={"Network In Total": 14e9}))
    assert any("Standard_D4ds_v5 (4 vCPUs, 19,000 IOPS" in r.title for r in remedies_of(cpu))
    assert any("Standard_D4ds_v5 (12.5 Gbit/s, 19,000 IOPS" in r.title for r in remedies_of(nic))


def test_a_size_whose_link_is_not_published_is_none_for_a_full_link() -> None:
    unpublished = tuple(replace(vm, network_bits_per_second=None) for vm in case().other_vms)
    assert not any("Standard_D4ds_v5" in r.title for r in remedies_of(verdict(case(storm={"Network In Total": 14e9}, other_vms=unpublished))))


def test_one_full_core_is_no_question_of_what_else_uses_the_cpu() -> None:
    d = verdict(case(storm={"Percentage CPU": 56}))
    assert d.cause is Cause.CPU_UNPACK
    assert not any(r.title.startswith("CPU limits") for r in remedies_of(d))


def test_a_full_cpu_is_first_a_question_of_what_else_uses_it() -> None:
    first = remedies_of(verdict(case(storm={"Percentage CPU": 98})))[0]
    assert (first.title, first.p95_seconds) == ("CPU limits for what else runs on these nodes", None)
    assert first.command == "kubectl top pods --all-namespaces --sort-by=cpu"


@pytest.mark.parametrize(("disk_burst_iops", "whose"), [(None, "the VM's burst credits"), (3500.0, "burst credits")])
def test_a_prediction_says_on_whose_burst_credits_it_counts(disk_burst_iops: float | None, whose: str) -> None:
    """The disk's 150 or 200 MB/s go through the VM's 96 only while it bursts to 200."""
    bound = case(EPHEMERAL, values=EPHEMERAL_QUIET, storm=BANDWIDTH_STORM)
    vm = replace(bound.pool.vm, uncached_burst_iops=8000.0, uncached_burst_bytes_per_second=200e6)
    tiers = tuple(replace(tier, burst_iops=disk_burst_iops) for tier in bound.disk_tiers)
    bursting = replace(bound, pool=replace(bound.pool, vm=vm), disk_tiers=tiers)
    assert f"That is while {whose} last" in next(r.note for r in remedies_of(verdict(bursting)) if "Managed" in r.command)


def test_a_remedy_that_leaves_p95_where_it_is_says_so() -> None:
    """A replica nearby ends the distance, but the pull is as slow as it was: one core unpacks no faster."""
    far = Registry("contoso.azurecr.io", "/acr", "Premium", "eastus", ("eastus", "westus"))
    nearly_all_unpacking = tuple(pull(node, 6, 12.5 + 1) for node in NODES)
    limits = Thresholds(slow_pull_seconds=10.0)
    (replica,) = remedies_of(diagnose(case(registries=(far,), pulls=nearly_all_unpacking), limits))
    assert replica.p95_seconds == 13.0
    assert replica.note.endswith("the slowest pulls would then be held up by something else")


def remedies_of(d: Diagnosis) -> tuple[Remedy, ...]:
    assert d.culprit is not None
    return d.culprit.remedies
