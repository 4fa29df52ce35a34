"""Worse evidence of the same world: what a fleet really looks like where things are switched off, late or odd."""

import copy
import re
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

from msgspec.structs import replace

from local.world.names import node_name
from local.world.types import MetricSeries, World

GAP_SHARE = 0.10
TRAILING = timedelta(minutes=3)
INSTANCE = re.compile(r"^(?P<vmss>.+)_(?P<instance>\d+)$")


def degrade(world: World, *kinds: str, seed: int = 0) -> World:
    """A copy of ``world`` with all of ``kinds`` (see ``KINDS``) done to it in turn; the truth stays.

    Raises ``ValueError`` that lists the kinds for an unknown one.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"There is no degradation {kind!r}; choose from: {', '.join(KINDS)}.")
        world = KINDS[kind](world, Random(f"{kind}/{seed}"))
    return replace(world, degraded=(*world.degraded, *kinds))


# --- logs ----------------------------------------------------------------------------------------


def _no_log_analytics(world: World, _: Random) -> World:
    """No table has a row, and the monitoring add-on is off."""
    resources = copy.deepcopy(world.resources)
    for resource in resources:
        if resource["type"] == "microsoft.containerservice/managedclusters":
            resource["properties"]["addonProfiles"]["omsagent"] = {"enabled": False, "config": None}
    return replace(world, resources=resources, tables={table: [] for table in world.tables})


def _no_normal_events(world: World, _: Random) -> World:
    """``collect_all_kube_events`` is off, as by default: only warnings reach KubeEvents."""
    warnings = [row for row in world.tables["KubeEvents"] if row["KubeEventType"] == "Warning"]
    return replace(world, tables=world.tables | {"KubeEvents": warnings})


def _no_registry_logs(world: World, _: Random) -> World:
    """The registry has no diagnostic setting."""
    logs: dict[str, list[dict[str, Any]]] = {table: [] for table in world.tables if table.startswith("ContainerRegistry")}
    return replace(world, tables=world.tables | logs)


# --- metrics -------------------------------------------------------------------------------------


def _metric_gaps(world: World, rng: Random) -> World:
    """One minute in ten is missing, anywhere."""
    return _each(world, lambda one: replace(one, values=[None if rng.random() < GAP_SHARE else value for value in one.values]))


def _trailing_empty(world: World, _: Random) -> World:
    """The newest three minutes have not arrived yet."""
    first_missing = world.end - TRAILING

    def without_end(one: MetricSeries) -> MetricSeries:
        known = max(0, int((first_missing - one.start).total_seconds() // 60))
        return replace(one, values=[value if number < known else None for number, value in enumerate(one.values)])

    return _each(world, without_end)


def _no_os_disk_metrics(world: World, _: Random) -> World:
    """Not one ``OS Disk`` metric."""
    return replace(world, metrics=[one for one in world.metrics if not one.metric.startswith("OS Disk ")])


def _vmname_upper_case(world: World, _: Random) -> World:
    """The dimension ``VMName`` and its values, all in capitals."""
    return _each_vm(world, lambda name: ("VMNAME", name.upper()))


def _computer_names(world: World, _: Random) -> World:
    """``VMName`` is the computer's name, ``…-vmss00000a``, not the instance's, ``…-vmss_10``."""

    def computer(name: str) -> tuple[str, str]:
        match = INSTANCE.match(name)
        return "VMName", node_name(match["vmss"], int(match["instance"])) if match else name

    return _each_vm(world, computer)


def _each(world: World, change: Callable[[MetricSeries], MetricSeries]) -> World:
    return replace(world, metrics=[change(one) for one in world.metrics])


def _each_vm(world: World, rename: Callable[[str], tuple[str, str]]) -> World:
    def renamed(one: MetricSeries) -> MetricSeries:
        return replace(one, dimensions=dict(rename(value) if key == "VMName" else (key, value) for key, value in one.dimensions.items()))

    return _each(world, renamed)


KINDS: dict[str, Callable[[World, Random], World]] = {
    "no-log-analytics": _no_log_analytics,
    "no-normal-events": _no_normal_events,
    "no-registry-logs": _no_registry_logs,
    "metric-gaps": _metric_gaps,
    "trailing-empty": _trailing_empty,
    "no-os-disk-metrics": _no_os_disk_metrics,
    "vmname-upper-case": _vmname_upper_case,
    "computer-names": _computer_names,
}
