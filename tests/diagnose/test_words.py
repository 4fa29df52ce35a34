"""What a diagnosis says: evidence that proves its claim, and remedies that fit the pool."""

import pytest
from msgspec.structs import replace

from shared.model import Case, Cause, Coverage, EgressHop, Finding, Operation, Verdict
from tests.diagnose.cases import (
    ACR,
    ALL_SEEN,
    CLUSTER,
    FAST,
    MINUTES,
    NODES,
    QUIET,
    SLOW,
    STORM,
    T0,
    case,
    failed,
    pull,
    series,
    verdict,
)
from tests.diagnose.test_verdicts import hop_series

TIMEOUTS = [failed(NODES[0], 1, 9, "timeout")]
MODEL = "contoso.azurecr.io/model:1"


def culprit(c: Case) -> Finding:
    found = verdict(c).culprit
    assert found is not None
    return found


def says(c: Case) -> str:
    return culprit(c).evidence[0].text


def steps(c: Case) -> list[str]:
    return [f"{r.title} | {r.command} | {r.note}" for r in culprit(c).remedies]


def throttled(host: str = "contoso.azurecr.io") -> list:
    return [failed(node, 1, 9, "throttled", image=f"{host}/web:1") for node in NODES]


# --- evidence ---


def test_only_the_culprit_is_called_the_bottleneck() -> None:
    late = pull(NODES[1], 9.9, 220, image=MODEL)
    d = verdict(case(storm=STORM, pulls=(*SLOW, late)))
    contributing = next(f for f in d.findings if f.verdict is Verdict.CONTRIBUTING)
    assert d.cause is Cause.DISK_IOPS
    assert d.findings[0].evidence[0].text.startswith("The OS disk is the bottleneck: ")
    assert (contributing.cause, contributing.evidence[0].text) == (Cause.IMAGE_SIZE, "for 31 % of the slow pulls' time nothing that was measured was in the way")


def test_of_credits_for_bytes_that_ran_out_the_bytes_are_what_is_left() -> None:
    storm = {"OS Disk Bandwidth Consumed Percentage": 100, "OS Disk Write Bytes/sec": 100e6}
    gone = tuple(replace(s, values=(40.0, None, 99.5, *[None] * 7)) if s.metric == "OS Disk Used Burst BPS Credits Percentage" else s
                 for s in series(QUIET, storm))
    assert says(case(measured=gone)) == (
        "The OS disk is the bottleneck: its burst credits ran out, and the 100 MB/s that are left are used up on 2 of 2 nodes")


def test_of_a_vms_caps_the_one_that_binds_is_told() -> None:
    storm = {"VM Uncached IOPS Consumed Percentage": 100, "OS Disk Write Operations/Sec": 6400}
    assert says(case(storm=storm)) == (
        "The VM size is the bottleneck: Standard_D4s_v3 lets no more than 6,400 IOPS through to its disks, all used up on 2 of 2 nodes")


def test_a_single_slow_minute_is_no_fraction() -> None:
    d = culprit(case(storm=STORM, pulls=[pull(NODES[0], 4, 59, pod="a"), pull(NODES[0], 4, 60, pod="b")]))
    assert d.evidence[1].text.endswith("in the one minute with slow pulls")


def test_dropped_packets_are_no_connections() -> None:
    gateway = EgressHop("nat_gateway", "/nat", "westeurope")
    text = says(case(pulls=TIMEOUTS, egress=(gateway,), network=(hop_series("PacketDropCount", 250.0, ""),)))
    assert "1,000 packets were dropped at the NAT gateway" in text


def test_a_firewall_has_ports_of_its_own() -> None:
    firewall = EgressHop("firewall", "/fw", "westeurope", 30e9)
    assert says(case(pulls=TIMEOUTS, egress=(firewall,), network=(hop_series("SNATPortUtilization", 100.0, ""),))) == (
        "SNAT ports are the bottleneck: up to 100 % of the firewall's ports were in use")


def test_what_was_used_up_and_is_cleared_says_why() -> None:
    calm = {f.cause: f.evidence[0].text for f in verdict(case(storm=STORM | {"Percentage CPU": 99}, pulls=FAST)).findings}
    assert (calm[Cause.DISK_IOPS], calm[Cause.CPU_UNPACK]) == ("at most 100 % of the IOPS without slowing a pull", "99 % without slowing a pull")


def test_another_registrys_log_proves_nothing_about_the_one_that_throttles() -> None:
    assert not any("logged" in e.text for e in culprit(case(pulls=throttled("docker.io"))).evidence)


def test_an_image_is_not_blamed_where_the_disk_was_not_seen() -> None:
    no_disk = tuple(s for s in series(QUIET) if "Disk" not in s.metric and not s.metric.startswith("VM"))
    d = verdict(case(measured=no_disk))
    found = {f.cause: f for f in d.findings}
    assert (d.cause, found[Cause.IMAGE_SIZE].verdict) == (Cause.UNKNOWN, Verdict.UNKNOWN)
    assert found[Cause.DISK_IOPS].evidence[0].text == "use was not measured"


def test_metrics_with_gaps_are_not_said_to_be_missing() -> None:
    gaps = tuple(replace(s, values=(None, None, *s.values[2:])) for s in series(QUIET))
    blind = tuple(Coverage(c.source, "failed" if c.source == "pulls" else "ok") for c in ALL_SEEN)
    text = {f.cause: f.evidence[0].text for f in verdict(case(measured=gaps, pulls=(), coverage=blind)).findings}
    assert text[Cause.CPU_UNPACK] == "CPU was not measured in every minute, and which ones count is not visible without pulls"


def test_one_more_pull_after_a_reimage_is_no_pulling_again_and_again() -> None:
    twice = [pull(node, end, 100) for node in NODES for end in (3, 8)]
    assert verdict(case(pulls=twice)).cause is Cause.IMAGE_SIZE


# --- remedies ---


def test_where_nearly_all_nodes_are_fine_the_others_are_looked_into_first() -> None:
    nodes = [f"aks-apps-12345678-vmss0000{n:02d}" for n in range(30)]
    pulls = [pull(nodes[0], 6, 240), *(pull(n, 6, 9) for n in nodes[1:])]
    hot = case(measured=series(QUIET, nodes=nodes[1:]) + series(QUIET, STORM, nodes=nodes[:1]), pulls=pulls)
    first = culprit(replace(hot, pool=replace(hot.pool, node_count=30))).remedies[0]
    assert first.title == f"Find what else uses the OS disk of {nodes[0]}"
    assert first.command.endswith(f"--field-selector spec.nodeName={nodes[0]}")
    assert first.note == "no pull was slow on the other 29 of 30 nodes"


@pytest.mark.parametrize(("hop", "outbound", "command"), [
    ("load_balancer", "loadBalancer", "--load-balancer-managed-outbound-ip-count 2 --load-balancer-outbound-ports 2048"),
    ("nat_gateway", "managedNATGateway", "--nat-gateway-managed-outbound-ip-count 2"),
    ("nat_gateway", "userAssignedNATGateway", ""),
    ("firewall", "userDefinedRouting", ""),
])
def test_ports_are_added_where_the_connections_leave(hop: str, outbound: str, command: str) -> None:
    metric = "PacketDropCount" if hop == "nat_gateway" else "SnatConnectionCount"
    c = case(pulls=TIMEOUTS, cluster=replace(CLUSTER, outbound_type=outbound), network=(hop_series(metric, 9.0, "Failed"),),
             egress=(EgressHop(hop, "/hop", "westeurope"),))  # type: ignore[arg-type]
    found = culprit(c).remedies
    assert found[0].command.endswith(command)
    assert bool(command) == bool(found[0].command)
    assert any("load balancer" in r.title for r in found) == (hop == "load_balancer")


def test_surge_bounds_an_upgrade_and_not_a_scale_out() -> None:
    scale_out = Operation("o", CLUSTER.id, "apps", "scale_out", T0, T0)
    assert any("--max-surge" in step for step in steps(case(pulls=throttled())))
    assert not any("--max-surge" in step for step in steps(case(pulls=throttled(), operation=scale_out)))


def test_what_needs_premium_says_so_only_where_it_is_missing() -> None:
    far = replace(ACR, location="australiaeast", replicas=("australiaeast",))
    assert "--sku Premium && az acr replication create" in steps(case(registries=(far,)))[0]
    assert "Premium" not in steps(case(registries=(replace(far, sku="Premium"),)))[0]
    assert "--sku Premium && az acr artifact-streaming" in steps(case())[0]


def test_an_image_by_digest_is_not_offered_streaming() -> None:
    by_digest = [replace(p, image="contoso.azurecr.io/web@sha256:0f") for p in SLOW]
    assert [s for s in steps(case(pulls=by_digest)) if "streaming" in s] == []


@pytest.mark.parametrize(("cluster", "command"), [
    ("1.30.9", "az aks upgrade --resource-group rg-prod --name prod-weu --kubernetes-version 1.31"),
    ("1.29.4", "--kubernetes-version 1.30 && az aks upgrade --resource-group rg-prod --name prod-weu --kubernetes-version 1.31"),
    ("1.33.4", "az aks nodepool upgrade --resource-group rg-prod --cluster-name prod-weu --name apps --kubernetes-version 1.33.4"),
])
def test_the_way_to_parallel_pulls_is_one_minor_version_at_a_time(cluster: str, command: str) -> None:
    queued = [pull(NODES[0], 4, 70, image=MODEL), *(pull(NODES[0], 4 + n / 5, 2, waiting=90, pod=f"s/{n}") for n in range(5))]
    c = case(pulls=queued, cluster=replace(CLUSTER, kubernetes_version=cluster))
    found = culprit(replace(c, pool=replace(c.pool, pull_mode="serial", kubernetes_version=min(cluster, "1.30.9"))))
    assert found.cause is Cause.KUBELET_SERIAL
    assert found.remedies[0].command.endswith(command)
    assert MODEL in found.remedies[-1].title, "the image that held up the others, not one that waited"


def test_refused_pulls_of_images_that_are_there_need_no_pull_at_all() -> None:
    again = [pull(NODES[0], n, 2, pod=f"s/{n}") for n in range(1, 6)]
    refused = failed(NODES[0], 1, MINUTES - 1, "kubelet_qps")
    assert steps(case(pulls=[*again, refused]))[0].startswith("imagePullPolicy: IfNotPresent")
