"""The fluid model: who gets how much, and whom the lost seconds are booked to."""

from itertools import pairwise
from random import Random

import msgspec
import pytest

from local.world.distance import nearest, round_trip_seconds
from local.world.egress import Egress
from local.world.flow import Flow, Limit, Resource, share, water_level
from local.world.hardware import MB, VM_SIZES
from local.world.node import Credits, Load, Node, OsDisk
from local.world.plan import FOREVER, Life
from local.world.pulls import Image, Pod, Pull
from local.world.registry import JOIN_REQUESTS, DockerHub, Registry
from local.world.scenario import Outbound
from local.world.simulation import Simulation
from local.world.truth import cause_of, lost_seconds, percentile, slow_pulls

REGISTRY = "contoso.azurecr.io"
HOUR = 3600.0
OPEN = Outbound()
RNG = Random(1)  # noqa: S311 - chance in a model, not in a secret


def an_image(name: str, unpacked_mb: float = 240, *, bytes_per_write: float = 30_000, layers: int = 8) -> Image:
    unpacked = unpacked_mb * MB
    return Image(
        registry=REGISTRY, repository=name, tag="1", compressed_bytes=unpacked / 3, unpacked_bytes=unpacked,
        write_operations=unpacked / bytes_per_write, layers=layers,
    )


def a_pod(name: str, *images: Image, at: float = 10, always: bool = False, kind: str = "ReplicaSet") -> Pod:
    return Pod(name=name, namespace="shop", controller="shop", controller_kind=kind, node="n", at=at,
               images=images, always_pull=always)


def a_node(
    size: str = "Standard_D8ds_v5", *, disk: OsDisk | None = None, version: str = "1.33.4",
    cpu: float = 1.0, io_credits: float = 0.0,
) -> Node:
    def load(_: int) -> Load:
        return Load(write_iops=50, write_bytes=1 * MB, read_iops=5, read_bytes=MB / 10, cpu_cores=cpu, network_in=MB,
                    network_out=MB, outstanding=5)

    disk = disk or OsDisk(size_gib=300, placement="ResourceDisk")
    return Node(instance=0, born=0, gone=float("inf"), version=version, vm=VM_SIZES[size], disk=disk, load=load,
                serial=version < "1.31", credit=Credits(io=io_credits))


def pulls_of(node: Node, *pods: Pod, registry: Registry | None = None, outbound: Outbound = OPEN, end: float = HOUR) -> list[Pull]:
    life = Life(instance=0, born=0, gone=FOREVER, version=node.version)
    simulation = Simulation(
        nodes=[node], pods=pods, lives={"n": [node]}, registries={REGISTRY: registry or Registry(REGISTRY)},
        egress=Egress(outbound, [life], 0, RNG), watch_from=0, end=end, rng=RNG,
    )
    simulation.run()
    return simulation.pulls


def what_held_up(pulls: list[Pull]) -> str:
    return cause_of(slow_pulls(pulls, None), lost_seconds(slow_pulls(pulls, None)))


MANAGED_P10 = OsDisk(sku="Premium_LRS", size_gib=128)


def test_the_water_level_serves_small_demands_whole_and_splits_the_rest() -> None:
    assert water_level(10, [1, 8, 8]) == pytest.approx(4.5)
    assert water_level(10, [1, 2]) == float("inf")


def test_no_resource_is_ever_used_beyond_its_limit() -> None:
    rng = RNG
    for _ in range(200):
        resources = [Resource(str(n), kind, Limit(rng.uniform(1, 50))) for n, kind in enumerate(("operations", "bytes", "operations"))]
        flows = [Flow(needs={"operations": rng.uniform(1, 90), "bytes": rng.uniform(1, 90)}, fastest=1.0) for _ in range(6)]
        share(resources, flows, {})
        assert all(r.flowing <= r.limit.now * (1 + 1e-6) for r in resources)
        assert all(flow.held_by or flow.rate == flow.fastest for flow in flows)


def test_burst_credits_pay_for_what_goes_above_the_baseline_and_come_back_below_it() -> None:
    limit = Limit(base=500, burst=3500, bucket=5_400_000)
    assert limit.seconds_left(3500) == pytest.approx(1800)
    limit.use(3500, 1800)
    assert (limit.bursting, limit.used_credits_percent) == (False, 100)
    limit.use(400, 60)
    assert (limit.bursting, limit.credits) == (False, 6000)
    limit.use(400, 300)
    assert limit.bursting


def test_a_lone_pull_on_a_fast_node_takes_what_one_core_needs() -> None:
    pull, = pulls_of(a_node(), a_pod("a", an_image("app", 240)))
    assert pull.elapsed == pytest.approx(2.0 + 0.8, abs=0.5)
    assert sum(pull.lost.values()) == pytest.approx(0, abs=1e-6)


def test_every_byte_and_operation_of_an_image_reaches_the_disk() -> None:
    node, image = a_node(), an_image("app", 900)
    pulls_of(node, a_pod("a", image), end=600)
    written = sum(minute.write_bytes for minute in node.minutes.values()) - 600 * MB
    assert written == pytest.approx(image.compressed_bytes + image.unpacked_bytes, rel=1e-3)


def test_pods_that_want_the_same_image_share_one_transfer() -> None:
    node, image = a_node(), an_image("app", 900)
    pulls = pulls_of(node, *(a_pod(f"p{n}", image) for n in range(5)), end=600)
    assert len({pull.finished_at for pull in pulls}) == 1
    assert sum(m.write_bytes for m in node.minutes.values()) < 1.1 * (image.compressed_bytes + image.unpacked_bytes) + 600 * MB


def test_containers_of_one_pod_are_pulled_one_after_the_other() -> None:
    first, second = pulls_of(a_node(), a_pod("a", an_image("app"), an_image("proxy")))
    assert second.asked_at > (first.finished_at or 0)


def test_an_image_that_is_present_is_not_pulled_again_unless_the_policy_is_always() -> None:
    image = an_image("app")
    pods = [a_pod("a", image), a_pod("b", image, at=100), a_pod("c", image, at=200, always=True)]
    first, present, again = pulls_of(a_node(), *pods)
    assert not first.present
    assert present.present
    assert not present.attempts
    assert again.attempts
    assert again.elapsed < 2


def test_small_files_on_a_disk_without_credits_are_bound_by_its_operations() -> None:
    pulls = pulls_of(a_node("Standard_D4s_v3", disk=MANAGED_P10), *(a_pod(f"p{n}", an_image(f"i{n}", 300)) for n in range(6)))
    assert what_held_up(pulls) == "disk.iops"
    assert percentile([pull.elapsed for pull in pulls], 50) == pytest.approx(6 * 10_000 / 450, rel=0.1)


def test_credits_that_run_out_during_the_operation_are_a_burst_cause() -> None:
    node = a_node("Standard_D4s_v3", disk=MANAGED_P10, io_credits=0.06)
    assert what_held_up(pulls_of(node, *(a_pod(f"p{n}", an_image(f"i{n}", 2000)) for n in range(8)))) == "disk.burst"


def test_a_vm_cap_below_the_disks_own_limit_is_named() -> None:
    node = a_node("Standard_DS2_v2", disk=OsDisk(sku="Premium_LRS", size_gib=1024))
    assert what_held_up(pulls_of(node, *(a_pod(f"p{n}", an_image(f"i{n}", 3000, bytes_per_write=400_000)) for n in range(4)))) == "disk.vm_cap"


def test_an_ephemeral_disk_on_the_cache_is_bound_by_the_cached_bandwidth() -> None:
    node = a_node("Standard_D4s_v3", disk=OsDisk(size_gib=100, placement="CacheDisk"))
    assert what_held_up(pulls_of(node, *(a_pod(f"p{n}", an_image(f"i{n}", 2000)) for n in range(4)))) == "disk.bandwidth"


def test_workloads_that_hold_the_cores_make_unpacking_slow() -> None:
    assert what_held_up(pulls_of(a_node(cpu=7.6), a_pod("a", an_image("app", 6000)))) == "cpu.unpack"


def test_a_huge_image_with_nothing_in_its_way_is_just_large() -> None:
    assert what_held_up(pulls_of(a_node(), a_pod("a", an_image("ml", 12_000, bytes_per_write=200_000)))) == "image.size"


def test_an_image_that_one_core_unpacks_badly_is_held_up_by_its_unpacking_not_by_its_size() -> None:
    image = msgspec.structs.replace(an_image("npm", 4000), unpack_bytes_per_second=14 * MB)
    pull, = pulls_of(a_node(), a_pod("a", image))
    assert what_held_up([pull]) == "cpu.unpack"
    assert pull.elapsed - pull.lost["cpu.unpack"] == pytest.approx(4000 / 120, abs=1.5), "what its size alone takes"


def test_a_connection_is_as_fast_as_its_round_trip_lets_it_be() -> None:
    near, far, farther = (Registry(REGISTRY, round_trip_seconds=seconds) for seconds in (0, 0.084, 0.245))
    assert near.bytes_per_second(9) == 120e6
    assert near.bytes_per_second(1) == 40e6, "one layer, one connection"
    assert far.bytes_per_second(9) == pytest.approx(37e6, rel=0.02)
    assert farther.bytes_per_second(9) == pytest.approx(13e6, rel=0.02)


def test_the_nearest_replica_serves_and_a_missing_one_costs_an_ocean() -> None:
    assert nearest("westeurope", ("eastus", "northeurope")) == "northeurope"
    assert round_trip_seconds("westeurope", "westeurope") == 0
    assert round_trip_seconds("eastus", "westeurope") == round_trip_seconds("westeurope", "eastus") == 0.084


def test_docker_hub_counts_pulls_over_six_hours_and_forgets_none_of_them_sooner() -> None:
    hub = DockerHub("docker.io")
    assert [hub.admits(n, 14, RNG) for n in range(102)] == [True] * 100 + [False] * 2
    assert hub.admits(200, JOIN_REQUESTS, RNG), "a manifest asked for by HEAD is free"
    assert not hub.admits(5.9 * HOUR, 14, RNG)
    assert hub.admits(6.1 * HOUR, 14, RNG)


def test_an_image_fetched_again_is_time_lost_to_the_pull_policy_whatever_held_it_up() -> None:
    old = an_image("web", 3600)
    pods = [a_pod("a", old, always=True), a_pod("b", msgspec.structs.replace(old, revision=1), at=200, always=True)]
    first, again = pulls_of(a_node(), *pods)
    assert "kubelet.repull" not in first.lost
    assert again.lost == {"kubelet.repull": pytest.approx(3600 / 120, abs=1)}


def test_garbage_collection_takes_only_what_no_pod_uses() -> None:
    node = a_node()
    pulls_of(node, a_pod("web", an_image("web")), a_pod("job", an_image("job"), kind="Job"))
    assert len(node.images) == 2
    node.collect_images()
    assert list(node.images) == [f"{REGISTRY}/web:1"]


def test_a_queue_behind_an_image_that_is_fetched_again_is_lost_to_that() -> None:
    old = an_image("web", 6000)
    pods = [a_pod("a", old, always=True), a_pod("b", msgspec.structs.replace(old, revision=1), at=100, always=True),
            a_pod("c", an_image("tool", 60), at=103)]
    waited = pulls_of(a_node(version="1.30.7"), *pods)[2]
    assert waited.lost["kubelet.repull"] > 10 * waited.lost.get("kubelet.serial", 0.01)


def test_a_far_registry_is_named() -> None:
    registry = Registry(REGISTRY, round_trip_seconds=0.245)
    assert what_held_up(pulls_of(a_node(), a_pod("a", an_image("app", 3000)), registry=registry)) == "registry.distant"


def test_small_pulls_behind_one_big_image_wait_for_the_serial_kubelet() -> None:
    big = a_pod("big", an_image("ml", 18_000, bytes_per_write=200_000))
    small = [a_pod(f"s{n}", an_image(f"s{n}", 60), at=15) for n in range(6)]
    pulls = pulls_of(a_node(version="1.30.7"), big, *small)
    assert what_held_up([pull for pull in pulls if pull.pod.name != "big"]) == "kubelet.serial"
    assert max(p.attempts[0].started_at or 0 for p in pulls) > 100


def test_a_queue_behind_pulls_that_the_disk_holds_up_is_the_disks_fault() -> None:
    node = a_node("Standard_D4s_v3", disk=MANAGED_P10, version="1.30.7")
    pulls = pulls_of(node, *(a_pod(f"p{n}", an_image(f"i{n}", 300)) for n in range(6)))
    assert what_held_up(pulls) == "disk.iops"


def test_a_refused_pull_backs_off_ten_twenty_forty_seconds() -> None:
    registry = Registry(REGISTRY, reads_per_minute=1)
    pull, = pulls_of(a_node(), a_pod("a", an_image("app")), registry=registry, end=200)
    asked = [attempt.asked_at for attempt in pull.attempts]
    assert {attempt.error for attempt in pull.attempts[:-1]} == {"429"}
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert [round(gap, -1) for gap in gaps[:3]] == [10, 20, 40]
    assert pull.finished_at is None
    assert lost_seconds([pull])["registry.throttled"] == pytest.approx(pull.elapsed, abs=2)


def test_a_registry_refuses_for_up_to_a_minute_once_its_bucket_is_empty() -> None:
    registry = Registry(REGISTRY, reads_per_minute=100)
    assert registry.admits(0, 60, RNG)
    assert not registry.admits(1, 60, RNG)
    assert not registry.admits(15, 1, RNG)
    assert registry.admits(62, 60, RNG)


def test_more_than_ten_pulls_in_one_instant_exceed_the_kubelets_own_rate() -> None:
    pulls = pulls_of(a_node(), *(a_pod(f"p{n}", an_image(f"i{n}", 30)) for n in range(14)))
    assert sum(1 for pull in pulls for attempt in pull.attempts if attempt.error == "qps") == 4
    assert all(pull.finished_at is not None for pull in pulls)


def test_the_queue_is_deep_only_when_the_disk_is_saturated() -> None:
    node = a_node("Standard_D4s_v3", disk=MANAGED_P10)
    pulls_of(node, *(a_pod(f"p{n}", an_image(f"i{n}", 300), at=61) for n in range(10)), end=400)
    depth = {number: minute.queue_depth / minute.seconds for number, minute in node.minutes.items() if minute.seconds}
    assert depth[0] < 1
    assert depth[2] > 20


def test_a_queue_behind_connections_that_nobody_answers_is_lost_to_the_ports() -> None:
    pods = [a_pod(f"p{n}", an_image(f"i{n}", 60), at=10 + n) for n in range(3)]
    *_, last = pulls_of(a_node(version="1.30.7"), *pods, outbound=Outbound(ports_per_node=8, connections=800), end=90)
    assert last.lost["network.snat"] > 10 * last.lost.get("kubelet.serial", 0.1)
