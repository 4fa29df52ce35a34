"""The other workloads of a node, minute by minute."""

from collections.abc import Callable
from random import Random

from local.world.node import Load
from local.world.plan import Life
from local.world.scenario import BATCH_BEFORE_START_SECONDS, Neighbour, Scenario, Workload

WARM_UP_MINUTES = 8


def load_of(scenario: Scenario, vcpus: int, life: Life, start: float, rng: Random) -> Callable[[int], Load]:
    """A function of the minute. Each node has its own level, and a fresh one fills up over minutes."""
    own_level = rng.gauss(1.0, scenario.workload.spread / 2)
    noise = Random(rng.random())
    start_minute = start / 60

    def load(minute: int) -> Load:
        workload = _workload(scenario, life.instance, minute - start_minute)
        warm = min(1.0, 0.2 + (minute - life.born / 60) / WARM_UP_MINUTES) if life.fresh else 1.0
        write_iops = max(_write_iops(workload, minute, start, own_level * warm, noise), 1.0)
        read_iops = workload.read_iops * warm * noise.uniform(0.7, 1.3)
        network = workload.network_in * warm * noise.uniform(0.8, 1.2)
        return Load(
            write_iops=write_iops, write_bytes=write_iops * workload.bytes_per_write,
            read_iops=read_iops, read_bytes=read_iops * 24_000,
            cpu_cores=vcpus * min(0.97, workload.cpu_share * warm * noise.uniform(0.9, 1.1)),
            network_in=network, network_out=network * 0.6, outstanding=workload.outstanding * warm * noise.uniform(0.96, 1.04),
        )

    return load


def _workload(scenario: Scenario, instance: int, minutes_in: float) -> Workload:
    neighbour = scenario.neighbour
    return neighbour.workload if neighbour and _is_there(neighbour, instance, minutes_in) else scenario.workload


def _is_there(neighbour: Neighbour, instance: int, minutes_in: float) -> bool:
    here = not neighbour.first_nodes or instance < neighbour.first_nodes
    return here and neighbour.at_minutes <= minutes_in < neighbour.at_minutes + neighbour.minutes


def _write_iops(workload: Workload, minute: int, start: float, level: float, noise: Random) -> float:
    write_iops = workload.write_iops * level * noise.gauss(1.0, workload.spread)
    if workload.ceiling_iops:
        write_iops = min(write_iops, workload.ceiling_iops)
    batch_minute = int((start - BATCH_BEFORE_START_SECONDS) // 60)
    if workload.batch_iops and (minute - batch_minute) % workload.batch_every_minutes == 0:
        write_iops = workload.batch_iops
    return write_iops
