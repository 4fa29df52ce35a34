"""Which registries a cluster's nodes may pull from by their own identity: attached, as ``az aks update --attach-acr`` makes it.

Seen are roles on the registry, its resource group and its subscription. Pull secrets, groups, custom roles and what a
management group hands down are not. Source: "Azure Container Registry Entra permissions and role assignments".
"""

from collections.abc import Iterable

from msgspec.structs import replace

from shared.azure_ids import id_key, same_id
from shared.collect.azure import Azure, Row
from shared.collect.kql import query
from shared.model import Registry

PULL_ROLES = frozenset({
    "7f951dda-4ed3-4680-a7ca-43fe172d538d",  # AcrPull
    "8311e382-0749-4cb8-b61a-304f252e45ec",  # AcrPush
    "b93aa761-3e63-49ed-ac28-beffa264f7ac",  # Container Registry Repository Reader
    "2a1e307c-b015-4ebd-883e-5b7698a07328",  # Container Registry Repository Writer
    "2efddaa5-3f1f-4df3-97df-af3f13818f4c",  # Container Registry Repository Contributor
})


def kubelet_roles(azure: Azure) -> list[Row]:
    """``{id, principal, role, scope}``: a row for each role of each cluster's kubelet identity, one without a role if it has none."""
    return azure.graph(query("attachments"))


def attached(roles: Iterable[Row], cluster_id: str, registry_id: str) -> bool | None:
    """Whether the cluster's nodes may pull from the registry; None where their identity, or what a role of it allows, is not known."""
    mine = [row for row in roles if same_id(row["id"], cluster_id) and row["principal"]]
    held = {row["role"].rpartition("/")[2] for row in mine if row["role"] and _covers(row["scope"], registry_id)}
    if held & PULL_ROLES:
        return True
    return None if held or not mine else False


def told(registries: Iterable[Registry], cluster_id: str, roles: list[Row] | None) -> tuple[Registry, ...]:
    """The registries with what is known about their being attached; ``roles`` None: nothing is."""
    return tuple(replace(r, attached=attached(roles, cluster_id, r.id)) if roles is not None and r.id else r for r in registries)


def _covers(scope: str, resource_id: str) -> bool:
    return f"{id_key(resource_id)}/".startswith(f"{id_key(scope)}/")
