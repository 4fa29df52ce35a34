"""Which clusters, pools and registries there are, from Azure Resource Graph: one paged query per kind.

A node pool is a scale set, or a set of single virtual machines: AKS's own type ``VirtualMachines``, or
the nodes that auto-provisioning (Karpenter) makes one by one.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

import msgspec

from shared.azure_ids import id_key
from shared.collect.azure import Azure, Row
from shared.collect.kql import query
from shared.collect.watched import is_watched
from shared.errors import NotWatched, Permanent
from shared.model import Cluster, Registry
from shared.settings import Settings

type PoolKind = Literal["scale_set", "virtual_machines", "auto_provisioned"]

QUERIES = ("clusters", "scale_sets", "machines", "registries", "egress")
EVERYTHING = Settings()
_POOL_TAGS = ("aks-managed-poolname", "poolname")
_KARPENTER_TAG = "karpenter.sh_nodepool"
_POOL_NAME = re.compile(r"^aks-(?P<pool>[a-z0-9]+)-\d{8}-vmss$", re.IGNORECASE)
_MACHINE_NAME = re.compile(r"^aks-(?P<pool>[a-z0-9]+)-(?:.+-)?\d{8}-(?:vms?)?\d*$", re.IGNORECASE)


class PoolRef(NamedTuple):
    """A node pool as Resource Graph knows it: enough to screen it and to find the rest."""

    cluster_id: str
    name: str
    vmss_id: str
    """Empty for a pool of single machines."""
    location: str
    vm_size: str
    capacity: int
    kind: PoolKind = "scale_set"
    machines: tuple[str, ...] = ()
    """Ids of the virtual machines of a pool that is no scale set."""

    @property
    def key(self) -> str:
        """What tells pools apart: the scale set's id as Azure spells it, or the agent pool's."""
        return self.vmss_id or f"{self.cluster_id}/agentPools/{self.name}"

    @property
    def resource_ids(self) -> tuple[str, ...]:
        """What holds the pool's metrics."""
        return (self.vmss_id,) if self.vmss_id else self.machines


class Fleet(NamedTuple):
    clusters: dict[str, Cluster]
    """By ``id_key``."""
    pools: tuple[PoolRef, ...]
    registries: dict[str, Registry]
    """By login server, lower-case."""
    egress: tuple[dict[str, Any], ...] = ()
    """Load balancers, NAT gateways, firewalls and route tables: what ``network.hops_of`` looks through."""

    def cluster(self, cluster_id: str) -> Cluster:
        """Raises ``NotWatched`` if the cluster is not watched or not readable."""
        found = self.clusters.get(id_key(cluster_id))
        if found is None:
            raise NotWatched(
                f"No watched cluster has the id {cluster_id[:200]}: it does not exist, a setting leaves it out "
                "(PULLWATCH_CLUSTERS, PULLWATCH_SUBSCRIPTIONS, the tags, the excludes), or the identity may not read it."
            )
        return found

    def pool(self, cluster_id: str, name: str) -> PoolRef:
        """The pool to diagnose. Raises ``NotWatched`` naming the pools there are, and ``Permanent`` if it is no scale set."""
        pools = [p for p in self.pools if id_key(p.cluster_id) == id_key(cluster_id)]
        for pool in pools:
            if pool.name.lower() == name.lower():
                return _diagnosable(pool)
        there = ", ".join(sorted(p.name for p in pools)) or "none with nodes"
        raise NotWatched(f"Cluster {self.cluster(cluster_id).name} has no node pool {name[:60]!r}; it has: {there}.")

    def pool_of_scale_set(self, vmss_id: str) -> PoolRef | None:
        key = id_key(vmss_id)
        return next((p for p in self.pools if id_key(p.vmss_id) == key), None)


def read_fleet(azure: Azure, settings: Settings = EVERYTHING) -> Fleet:
    """The fleet that the settings watch."""
    with ThreadPoolExecutor(len(QUERIES), thread_name_prefix="fleet") as executor:
        asked = [executor.submit(copy_context().run, azure.graph, query(name)) for name in QUERIES]
        clusters, scale_sets, machines, registries, egress = (one.result() for one in asked)
    read = ((_cluster(row), row.get("tags") or {}) for row in clusters)
    watched = {id_key(c.id): c for c, tags in read if is_watched(c, tags, settings)}
    by_group = {(c.subscription_id.lower(), c.node_resource_group.lower()): c for c in watched.values()}
    pools = (*_scale_set_pools(scale_sets, by_group), *_machine_pools(machines, by_group))
    return Fleet(watched, pools, _registries(registries), tuple(egress))


def _diagnosable(pool: PoolRef) -> PoolRef:
    if pool.vmss_id:
        return pool
    made = "is auto-provisioned" if pool.kind == "auto_provisioned" else "is of type VirtualMachines"
    raise Permanent(f"Node pool {pool.name} {made}: its nodes are single machines, which are screened but cannot be diagnosed yet.")


def _cluster(row: Row) -> Cluster:
    return Cluster(
        id=row["id"], name=row["name"], location=row["location"].lower(), subscription_id=row["subscriptionId"],
        resource_group=row["resourceGroup"], node_resource_group=row["nodeResourceGroup"] or "",
        kubernetes_version=row["version"] or "", outbound_type=row["outboundType"] or "",
        container_insights=_insights(row.get("addons")),
    )


def _insights(addons: Any) -> bool | None:
    """Whether the monitoring add-on is on; None when the listing does not say."""
    if not isinstance(addons, dict):
        return None
    profile = next((v for k, v in addons.items() if k.lower() == "omsagent"), None)
    return bool(profile.get("enabled")) if isinstance(profile, dict) else False


# --- pools ---


def _owner(row: Row, by_group: Mapping[tuple[str, str], Cluster]) -> Cluster | None:
    """The cluster whose node resource group holds the row."""
    return by_group.get((row["subscriptionId"].lower(), row["resourceGroup"].lower()))


def _scale_set_pools(rows: Iterable[Row], by_group: Mapping[tuple[str, str], Cluster]) -> Iterator[PoolRef]:
    for row in rows:
        cluster, name = _owner(row, by_group), pool_name(row["name"], row.get("tags") or {})
        if cluster is not None and name:
            yield PoolRef(cluster.id, name, row["id"], row["location"].lower(), row["vmSize"] or "", int(row["capacity"] or 0))


def _machine_pools(rows: Iterable[Row], by_group: Mapping[tuple[str, str], Cluster]) -> Iterator[PoolRef]:
    """Single machines gathered into the pools they belong to."""
    members: dict[tuple[str, str, PoolKind], list[Row]] = defaultdict(list)
    for row in rows:
        cluster = _owner(row, by_group)
        kind, name = _pool_of_machine(row["name"], row.get("tags") or {})
        if cluster is not None and name:
            members[cluster.id, name, kind].append(row)
    for (cluster_id, name, kind), machines in members.items():
        sizes = sorted({m["vmSize"] or "" for m in machines})
        yield PoolRef(cluster_id, name, "", machines[0]["location"].lower(), sizes[0] if len(sizes) == 1 else "",
                      len(machines), kind, tuple(m["id"] for m in machines))


def pool_name(vmss_name: str, tags: Mapping[str, str]) -> str:
    """The AKS node pool of a scale set: by tag, else by name; empty if it is none."""
    match = _POOL_NAME.match(vmss_name)
    return _tagged_pool(tags) or (match["pool"] if match else "")


def _pool_of_machine(name: str, tags: Mapping[str, str]) -> tuple[PoolKind, str]:
    """The kind and name of the pool that a single machine belongs to; no name: it is no node."""
    provisioned = next((v for k, v in tags.items() if k.lower() == _KARPENTER_TAG), "")
    if provisioned:
        return "auto_provisioned", provisioned
    match = _MACHINE_NAME.match(name)
    return "virtual_machines", _tagged_pool(tags) or (match["pool"] if match else "")


def _tagged_pool(tags: Mapping[str, str]) -> str:
    lowered = {k.lower(): v for k, v in tags.items()}
    return next((lowered[tag] for tag in _POOL_TAGS if lowered.get(tag)), "")


# --- registries ---


def _registries(rows: list[Row]) -> dict[str, Registry]:
    homes = [r for r in rows if r["type"].lower().endswith("/registries")]
    replicas: dict[str, set[str]] = {id_key(r["id"]): {r["location"].lower()} for r in homes}
    for row in rows:
        parent = id_key(row["id"]).rpartition("/replications/")[0]
        if parent in replicas:
            replicas[parent].add(row["location"].lower())
    return {r["loginServer"].lower(): _registry(r, replicas[id_key(r["id"])]) for r in homes if r["loginServer"]}


def _registry(row: Row, replicas: set[str]) -> Registry:
    sku, limits = row["sku"], _request_limits()
    return Registry(
        login_server=row["loginServer"].lower(), id=row["id"], sku=sku, location=row["location"].lower(),
        replicas=tuple(sorted(replicas)),
        identity_requests_per_minute=limits["per_identity"].get(sku.lower()),
        registry_requests_per_minute=limits["per_registry"].get(sku.lower()),
    )


@cache
def _request_limits() -> dict[str, dict[str, float]]:
    """Published read limits by scope and SKU; approximate maximums ("ACR service tiers", June 2026)."""
    text = files("shared.collect").joinpath("data", "acr-limits.json").read_bytes()
    limits = msgspec.json.decode(text)["read_requests_per_minute"]
    return msgspec.convert(limits, dict[str, dict[str, float]], strict=False)
