"""Which clusters, pools and registries there are, from Azure Resource Graph: one query per kind."""

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import msgspec

from shared.azure_ids import id_key
from shared.collect.azure import Azure, Row
from shared.collect.kql import query
from shared.errors import Permanent
from shared.model import Cluster, Registry

_POOL_TAGS = ("aks-managed-poolname", "poolname")
_POOL_NAME = re.compile(r"^aks-(?P<pool>[a-z0-9]+)-\d{8}-vmss$", re.IGNORECASE)


class PoolRef(NamedTuple):
    """A node pool as Resource Graph knows it: enough to screen it and to find the rest."""

    cluster_id: str
    name: str
    vmss_id: str
    location: str
    vm_size: str
    capacity: int


class Fleet(NamedTuple):
    clusters: dict[str, Cluster]
    """By ``id_key``."""
    pools: tuple[PoolRef, ...]
    registries: dict[str, Registry]
    """By login server, lower-case."""

    def cluster(self, cluster_id: str) -> Cluster:
        """Raises ``Permanent`` if the cluster is not watched or not readable."""
        found = self.clusters.get(id_key(cluster_id))
        if found is None:
            raise Permanent(
                f"No watched cluster has the id {cluster_id[:200]}: it does not exist, PULLWATCH_CLUSTERS or "
                "PULLWATCH_SUBSCRIPTIONS leaves it out, or the identity may not read it."
            )
        return found

    def pool(self, cluster_id: str, name: str) -> PoolRef:
        """Raises ``Permanent`` naming the pools there are."""
        pools = [p for p in self.pools if id_key(p.cluster_id) == id_key(cluster_id)]
        for pool in pools:
            if pool.name.lower() == name.lower():
                return pool
        there = ", ".join(sorted(p.name for p in pools)) or "none that is a scale set"
        raise Permanent(f"Cluster {self.cluster(cluster_id).name} has no node pool {name[:60]!r}; it has: {there}.")

    def pool_of_scale_set(self, vmss_id: str) -> PoolRef | None:
        key = id_key(vmss_id)
        return next((p for p in self.pools if id_key(p.vmss_id) == key), None)


def read_fleet(azure: Azure, watched: Iterable[str] = ()) -> Fleet:
    """The watched fleet. ``watched``: cluster names or ids; empty for all."""
    with ThreadPoolExecutor(3) as executor:
        clusters, scale_sets, registries = executor.map(
            azure.graph, (query("clusters"), query("scale_sets"), query("registries")))
    wanted = {id_key(w) for w in watched}
    found = {id_key(c.id): c for c in map(_cluster, clusters) if not wanted or wanted & {id_key(c.id), c.name.lower()}}
    by_group = {(c.subscription_id.lower(), c.node_resource_group.lower()): c for c in found.values()}
    pools = (_pool(row, by_group.get((row["subscriptionId"].lower(), row["resourceGroup"].lower()))) for row in scale_sets)
    return Fleet(found, tuple(p for p in pools if p), _registries(registries))


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


def _pool(row: Row, cluster: Cluster | None) -> PoolRef | None:
    name = pool_name(row["name"], row.get("tags") or {})
    if cluster is None or not name:
        return None
    return PoolRef(cluster.id, name, row["id"], row["location"].lower(), row["vmSize"], int(row["capacity"] or 0))


def pool_name(vmss_name: str, tags: dict[str, str]) -> str:
    """The AKS node pool of a scale set: by tag, else by name; empty if it is none."""
    lowered = {k.lower(): v for k, v in tags.items()}
    tagged = next((lowered[t] for t in _POOL_TAGS if lowered.get(t)), "")
    match = _POOL_NAME.match(vmss_name)
    return tagged or (match["pool"] if match else "")


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
