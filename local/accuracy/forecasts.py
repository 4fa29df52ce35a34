"""Predicted against true: each remedy is done to the model, and the same pulls are played again."""

import json
import shlex
from itertools import pairwise
from typing import Any

import msgspec

from local.world import Change, after
from local.world.types import World
from shared.model import Diagnosis, Remedy

GOOD_FACTOR = 1.5


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    remedy: str
    predicted_seconds: float
    true_seconds: float | None
    """p95 once done; None: the model cannot do it, ``problem`` says why."""
    problem: str = ""

    @property
    def ratio(self) -> float | None:
        """Predicted over true: above 1 promises too little, below 1 too much."""
        return self.predicted_seconds / self.true_seconds if self.true_seconds else None

    @property
    def good(self) -> bool:
        return self.ratio is not None and 1 / GOOD_FACTOR <= self.ratio <= GOOD_FACTOR


def forecasts(world: World, diagnosis: Diagnosis) -> tuple[Forecast, ...]:
    """One for each remedy with a prediction and a command that changes what the model knows."""
    remedies = diagnosis.culprit.remedies if diagnosis.culprit else ()
    changes = [(r, r.p95_seconds, change_of(r)) for r in remedies]
    return tuple(_compare(world, remedy, predicted, change) for remedy, predicted, change in changes if predicted and change)


def _compare(world: World, remedy: Remedy, predicted_seconds: float, change: Change) -> Forecast:
    try:
        done = after(world.scenario, world.seed, world.end, change)
    except ValueError as problem:  # a VM size that the model has no data sheet of
        return Forecast(remedy=remedy.title, predicted_seconds=predicted_seconds, true_seconds=None, problem=str(problem).partition(";")[0])
    return Forecast(remedy=remedy.title, predicted_seconds=predicted_seconds, true_seconds=done.p95_seconds)


def change_of(remedy: Remedy) -> Change | None:
    """What the remedy's command changes, in the model's words; None: nothing that the model knows."""
    fields: dict[str, Any] = {}
    for command in remedy.command.split("&&"):
        words = shlex.split(command)
        options = dict(pairwise(words))
        fields |= _patched(words[2], json.loads(options["-p"])) if words[:2] == ["kubectl", "patch"] else _fields(words, options)
    return Change(**fields) if fields else None


def _fields(words: list[str], options: dict[str, str]) -> dict[str, Any]:
    match words[:4]:
        case ["az", "aks", "nodepool", "add"] if "--node-osdisk-size" in options:
            return {"vm_size": options.get("--node-vm-size") or options["--vm-sizes"], "os_disk_kind": options["--node-osdisk-type"].lower(),
                    "os_disk_gib": int(options["--node-osdisk-size"])}
        case ["az", "acr", "replication", "create"]:
            return {"replica_region": options["--location"]}
        case ["az", "acr", "update", *_] if "--sku" in options:
            return {"registry_sku": options["--sku"]}
        case ["az", "aks", "upgrade", *_] | ["az", "aks", "nodepool", "upgrade"] | ["az", "feature", "unregister", *_]:
            return {"parallel_pulls": True}
        case ["az", "aks", "update", *_] if "--load-balancer-outbound-ports" in options:
            return {"outbound_ports": int(options["--load-balancer-outbound-ports"]),
                    "public_ips": int(options["--load-balancer-managed-outbound-ip-count"])}
        case _:
            return {}


def _patched(kind: str, patch: Any) -> dict[str, Any]:
    """Of auto-provisioned nodes: the disk's size stands in the node class, the VM size in the NodePool's requirements."""
    if kind == "aksnodeclasses":
        return {"os_disk_gib": patch["spec"]["osDiskSizeGB"]}
    return {"vm_size": patch[0]["value"]["values"][0]} if isinstance(patch, list) else {}
