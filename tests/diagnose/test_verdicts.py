"""Which cause the evidence names, and when it does not suffice to name one."""


import pytest
from msgspec.structs import replace

from shared.model import (
    Baseline,
    Case,
    Cause,
    Coverage,
    Diagnosis,
    EgressHop,
    Pull,
    Registry,
    Series,
    Severity,
    Verdict,
    decode,
    encode,
)

from .cases import (
    ALL_SEEN,
    BANDWIDTH_STORM,
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
    finding,
    pull,
    series,
    verdict,
)


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
