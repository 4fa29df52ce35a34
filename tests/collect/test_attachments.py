"""Whether a cluster's nodes may pull from a registry by their own identity, as far as role assignments show."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from local.accuracy.trial import question
from local.azure import Fault
from local.world.build import build_scenario, scenario_named
from local.world.types import World
from shared.collect.attachments import attached
from shared.collect.case import collect_case
from shared.collect.fleet import read_fleet
from shared.diagnose import diagnose
from shared.model import Case, Registry, Thresholds
from tests.collect.conftest import NOW, Read

type Serve = Callable[..., Read]

GROUP = "/subscriptions/S/resourceGroups/rg"
REGISTRY = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/contoso"
PULL, READER = "7f951dda-4ed3-4680-a7ca-43fe172d538d", "acdd72a7-3385-48ef-bd42-f606fba81ae7"
DENIED = 'Failed to pull image "{}": rpc error: failed to authorize: failed to fetch anonymous token: 401 Unauthorized'


def role(name: str, scope: str, cluster: str = "/C", principal: str = "p") -> dict[str, Any]:
    definition = f"/subscriptions/s/providers/microsoft.authorization/roledefinitions/{name}" if name else ""
    return {"id": cluster, "principal": principal, "role": definition, "scope": scope.lower()}


@pytest.mark.parametrize(("roles", "known"), [
    ([role(PULL, REGISTRY)], True),
    ([role(PULL, GROUP)], True),
    ([role(PULL, "/subscriptions/S")], True),
    ([role("b93aa761-3e63-49ed-ac28-beffa264f7ac", REGISTRY)], True),
    ([role(PULL, f"{REGISTRY}2")], False),
    ([role(PULL, REGISTRY, cluster="/other"), role("", "")], False),
    ([role("", "")], False),
    ([role(READER, GROUP)], None),
    ([role("", "", principal="")], None),
    ([], None),
], ids=["registry", "group", "subscription", "by repository", "another registry", "another cluster", "no role", "some role", "no identity", "no cluster"])
def test_a_registry_is_attached_if_the_identity_has_a_role_on_it_or_above_it(roles: list[dict[str, Any]], *, known: bool | None) -> None:
    assert attached(roles, "/c", REGISTRY.upper()) is known


# --- read from Azure, when pulls are denied ---


def refused(*, is_attached: bool) -> World:
    """The healthy upgrade, in which the registry does not let anybody pull one image."""
    world = build_scenario(replace(scenario_named("healthy-upgrade"), registry_attached=is_attached), 3, NOW)
    pulled = next(r for r in world.tables["KubeEvents"] if "Successfully" in r["Message"] and ".azurecr.io/" in r["Message"] and r["LastSeen"] > world.window_start)
    image = re.findall('"([^"]+)"', pulled["Message"])[0]
    rows = [*world.tables["KubeEvents"], pulled | {"Name": "denied-pod", "Reason": "Failed", "KubeEventType": "Warning", "Message": DENIED.format(image), "Count": 7.0}]
    return replace(world, tables=world.tables | {"KubeEvents": rows})


def collected(served: Read, world: World) -> Case:
    return collect_case(served.azure, read_fleet(served.azure), question(world, world.truths[0]))


def ours(case: Case) -> Registry:
    return next(r for r in case.registries if r.id)


def said(case: Case) -> str:
    return next((e.text for f in diagnose(case, Thresholds()).findings for e in f.evidence if "denied" in e.text), "")


@pytest.mark.parametrize(("is_attached", "words"), [(True, ", although the kubelets' identity may pull from it"), (False, "--attach-acr contoso")])
def test_denied_pulls_are_told_with_what_the_identity_may_do(read: Serve, *, is_attached: bool, words: str) -> None:
    world = refused(is_attached=is_attached)
    case = collected(read(world), world)
    assert ours(case).attached is is_attached
    assert said(case).startswith(f"{ours(case).login_server} denied 7 attempts")
    assert words in said(case)


def test_roles_that_cannot_be_read_leave_it_open(read: Serve) -> None:
    world = refused(is_attached=False)
    served = read(world)
    fleet = read_fleet(served.azure)
    served.local.faults.add("graph", Fault(status=500))
    case = collect_case(served.azure, fleet, question(world, world.truths[0]))
    assert ours(case).attached is None
    assert said(case) == f"{ours(case).login_server} denied 7 attempts"


def test_nobody_asks_for_roles_while_every_pull_is_allowed(read: Serve) -> None:
    world = build_scenario(scenario_named("healthy-upgrade"), 3, NOW)
    served = read(world)
    fleet = read_fleet(served.azure)
    served.local.counts.reset()
    case = collect_case(served.azure, fleet, question(world, world.truths[0]))
    assert (served.local.counts["graph"], ours(case).attached) == (0, None)
