"""What an event does to a pool, with a fleet and a scale set that are played."""

import json
from types import SimpleNamespace

import pytest

from shared.collect.fleet import Fleet, PoolRef
from shared.flow.sweep import _ask_about_the_missing
from shared.flow.wake import receive
from shared.model import Wake
from tests.flow.play import CLUSTER, Play
from tests.report import samples

GROUP = CLUSTER.partition("/resourceGroups/")[0] + "/resourceGroups/MC_prod/providers/Microsoft.Compute/virtualMachineScaleSets"
VMSS = f"{GROUP}/aks-apps-12345678-vmss"
OTHER = f"{GROUP}/aks-other-12345678-vmss"


class Azure:
    """A play whose fleet holds one pool, and whose scale set says what it is told to."""

    def __init__(self) -> None:
        self.play = Play()
        self.scale_set: dict[str, object] = {"sku": {"capacity": 3}}
        services = self.play.services
        services._azure = SimpleNamespace(scale_set=lambda _: self.scale_set)  # type: ignore[assignment]
        pool = PoolRef(CLUSTER, "apps", VMSS, "westeurope", "Standard_D4s_v3", 3)
        fleet = Fleet({CLUSTER.lower(): samples.CLUSTER}, (pool,), {})
        services.fleet = lambda *, fresh=False: fleet  # type: ignore[method-assign]

    def written(self, vmss_id: str = VMSS) -> list[str]:
        """A scale-set write, as the node resource group's events tell of it."""
        event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "Microsoft.Resources.ResourceWriteSuccess", "time": "2026-11-24T09:59:00Z",
                 "data": {"operationName": "Microsoft.Compute/virtualMachineScaleSets/write", "resourceUri": vmss_id}}
        return receive(self.play.services, json.dumps(event))

    def has(self, capacity: int) -> list[str]:
        self.scale_set = {"sku": {"capacity": capacity}}
        return self.written()


@pytest.fixture
def azure() -> Azure:
    return Azure()


def recorded(azure: Azure) -> list[Wake]:
    return list(azure.play.services.store.recorded_events())


def test_only_growth_is_a_scale_out(azure: Azure) -> None:
    assert [azure.has(nodes) for nodes in (3, 3, 2, 3)] == [["first_sight"], ["not_grown"], ["not_grown"], ["scale_out_opened"]]


@pytest.mark.parametrize("answer", [{}, {"sku": None}, {"sku": {}}, {"sku": {"capacity": None}}, {"sku": {"capacity": "3"}}])
def test_a_scale_set_whose_size_is_not_told_has_not_none(azure: Azure, answer: dict[str, object]) -> None:
    """Taken for 0, the next look would call all its nodes new."""
    azure.has(3)
    azure.scale_set = answer
    assert azure.written() == ["ignored"]
    assert recorded(azure)[0].reason == "Azure does not say how many nodes the scale set has"
    assert azure.has(3) == ["not_grown"]


def test_a_scale_set_of_nobody_we_watch_is_recorded(azure: Azure) -> None:
    assert azure.written(OTHER) == ["ignored"]
    assert recorded(azure)[0].reason == "the scale set is no node pool of a watched cluster"


def test_an_open_incident_of_a_pool_that_left_the_fleet_is_asked_about_once(azure: Azure) -> None:
    services = azure.play.services
    for _ in range(3):
        _ask_about_the_missing(services, services.fleet(), [(CLUSTER, "apps"), (CLUSTER, "batch")])
    assert len(services.messages) == 1
    assert b'"pool":"batch"' in services.messages[0].body
