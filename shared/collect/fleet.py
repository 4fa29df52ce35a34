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
from typing import Any, NamedTuple

import msgspec

from shared.azure_ids import id_key, segment
from shared.collect.azure import Azure, Row
from shared.collect.kql import query
from shared.collect.watched import is_watched
from shared.errors import NotWatched
from shared.model import Cluster, PoolKind, Registry
from shared.settings import Settings

QUERIES = ("clusters", "scale_sets", "machines", "registries", "egress")
EVERYTHING = Settings()
_POOL_TAGS = ("aks-managed-poolname", "poolname")
_KARPENTER_TAG = "karpenter.sh_nodepool"
_POOL_NAME = re.compile(r"^aks-(?P<pool>[a-z0-9]+)-\d{8}-vmss$", re.IGNORECASE)
_AKS_MACHINE = re.compile(r"^(?P<stem>aks-[a-z0-9]+-\d{8}-vms)\d+$")
_MACHINE_NAME = re.compile(r"^aks-(?P<pool>[a-z0-9]+)-(?:.+-)?\d{8}-(?:vms?)?\d*$", re.IGNORECASE)


class Machine(NamedTuple):
    """A node that is a virtual machine of its own."""

    id: str
    node: str
    """Its name in Kubernetes, lower-case."""
    vm_size: str
    os_disk: dict[str, Any] | None = None
    """As Azure spells it: ``diskSizeGB``, ``caching``, ``managedDisk``, ``diffDiskSettings``; None: not known."""


class PoolRef(NamedTuple):
    """A node pool as Resource Graph knows it: enough to screen it and to find the rest."""

    cluster_id: str
    name: str
    vmss_id: str
    """Empty for a pool of single machines."""
    location: str
    vm_size: str
    """Empty where the machines have several."""
    capacity: int
    kind: PoolKind = "scale_set"
    machines: tuple[Machine, ...] = ()
    """The nodes of a pool that is no scale set."""
    os_disk: dict[str, Any] | None = None
    """The scale set's, as Azure spells it; None: not known."""
    kubernetes_version: str = ""
    """The agent pool's own; empty: not known."""
    subnets: tuple[str, ...] = ()
    """Ids of those that AKS was given for the nodes; none where the network is AKS's own."""

    @property
    def key(self) -> str:
        """What tells pools apart: the scale set's id as Azure spells it, or the pool's."""
        kind = "nodePools" if self.kind == "auto_provisioned" else "agentPools"
        return self.vmss_id or f"{self.cluster_id}/{kind}/{self.name}"

    @property
    def resource_ids(self) -> tuple[str, ...]:
        """What holds the pool's metrics."""
        return (self.vmss_id,) if self.vmss_id else tuple(machine.id for machine in self.machines)

    @property
    def node_prefix(self) -> str:
        """What the names of all nodes begin with, those included that are gone; empty where only the names themselves tell."""
        if self.vmss_id:
            return segment(self.vmss_id, "virtualMachineScaleSets").lower()
        stems = {match["stem"] if (match := _AKS_MACHINE.match(machine.node)) else "" for machine in self.machines}
        return stems.pop() if len(stems) == 1 else ""


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
        """The pool to diagnose. Raises ``NotWatched`` naming the pools there are."""
        pools = [p for p in self.pools if id_key(p.cluster_id) == id_key(cluster_id)]
        for pool in pools:
            if pool.name.lower() == name.lower():
                return pool
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
    read = [(_cluster(row), row) for row in clusters]
    watched = {id_key(c.id): c for c, row in read if is_watched(c, row.get("tags") or {}, settings)}
    by_group = {_node_group(c): c for c in watched.values()}
    profiles = {id_key(c.id): _agent_pools(row) for c, row in read}
    pools = (*_scale_set_pools(scale_sets, by_group), *_machine_pools(machines, by_group))
    return Fleet(watched, tuple(_with_profile(p, profiles[id_key(p.cluster_id)]) for p in pools), _registries(registries), tuple(egress))


def with_its_machines(azure: Azure, cluster: Cluster, pool: PoolRef) -> PoolRef:
    """A pool of single machines with those that it has now: auto-provisioned ones come and go by the minute."""
    rows = azure.graph(query("machines"), [cluster.subscription_id])
    found = next((p for p in _machine_pools(rows, {_node_group(cluster): cluster}) if p.key == pool.key), None)
    machines = found.machines if found else ()
    return pool._replace(machines=machines, capacity=len(machines), vm_size=found.vm_size if found else "")


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


def _node_group(cluster: Cluster) -> tuple[str, str]:
    return cluster.subscription_id.lower(), cluster.node_resource_group.lower()


def _agent_pools(row: Row) -> dict[str, Row]:
    """Name in lower case → profile."""
    return {str(profile["name"]).lower(): profile for profile in row.get("agentPools") or () if profile.get("name")}


def _with_profile(pool: PoolRef, profiles: Mapping[str, Row]) -> PoolRef:
    """What the cluster says of its pool. Auto-provisioned nodes have no profile: they use a subnet of the cluster's pools."""
    own = {} if pool.kind == "auto_provisioned" else profiles.get(pool.name.lower(), {})
    version = own.get("currentOrchestratorVersion") or own.get("orchestratorVersion") or ""
    subnets = {p["vnetSubnetID"] for p in ([own] if own else profiles.values()) if p.get("vnetSubnetID")}
    return pool._replace(kubernetes_version=version, subnets=tuple(sorted(subnets)))


def _owner(row: Row, by_group: Mapping[tuple[str, str], Cluster]) -> Cluster | None:
    """The cluster whose node resource group holds the row."""
    return by_group.get((row["subscriptionId"].lower(), row["resourceGroup"].lower()))


def _scale_set_pools(rows: Iterable[Row], by_group: Mapping[tuple[str, str], Cluster]) -> Iterator[PoolRef]:
    for row in rows:
        cluster, name = _owner(row, by_group), pool_name(row["name"], row.get("tags") or {})
        if cluster is not None and name:
            yield PoolRef(cluster.id, name, row["id"], row["location"].lower(), row["vmSize"] or "", int(row["capacity"] or 0),
                          os_disk=row["osDisk"])


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
                      len(machines), kind, tuple(Machine(m["id"], m["node"].lower(), m["vmSize"] or "", m["osDisk"]) for m in machines))


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
