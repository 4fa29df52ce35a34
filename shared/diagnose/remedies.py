"""What to do about a culprit: exact commands where there are any, and their predicted effect.

Sources: "az aks nodepool", "az acr" command references; "Container image pull performance", "Artifact
streaming", "Use a public standard load balancer in AKS", "Azure Container Registry service tiers".
"""

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from shared.diagnose.cpu import CPU
from shared.diagnose.forecast import Forecast
from shared.diagnose.node_remedies import BETTER_BY, node_remedies
from shared.diagnose.registry import throttled_hosts
from shared.diagnose.view import View
from shared.images import registry_host
from shared.model import Cause, Cluster, Registry, Remedy
from shared.units import bit_rate, counted

PARALLEL_FROM = "1.31"
PORTS_PER_ADDRESS = 64_000
PORTS_PER_NODE = 1024
FEW_NODES = 0.2
"""Part of the pool's nodes up to which slow pulls are the matter of those nodes."""
FIREWALL_TIERS = {"Standard": 30e9, "Premium": 100e9}
"""Bits a second, as "Azure Firewall performance" publishes them."""
_RESOURCES = {"disk": "OS disk", "cpu": "CPU", "network": "network link"}
IF_NOT_PRESENT = Remedy("imagePullPolicy: IfNotPresent, with a new tag for each build", note="Always asks the registry at every start of a container")
LESS_UNPACKING = (
    Remedy("Images compressed with zstd, or fewer large layers", note="a layer is unpacked on one core; zstd takes a fraction of gzip's time"),
)


def remedies(view: View, cause: Cause, p95_seconds: float | None) -> tuple[Remedy, ...]:
    """Best first; what would make it worse comes last and is marked so."""
    if cause is Cause.CPU_UNPACK:
        return (*(_few_nodes(view, cause) or _others_on_the_cpu(view)), *node_remedies(view, cause, p95_seconds), *LESS_UNPACKING)
    if cause.layer == "disk" or cause is Cause.NETWORK_NIC:
        return (*_few_nodes(view, cause), *node_remedies(view, cause, p95_seconds))
    find = _REMEDIES.get(cause)
    return tuple(_at_its_worth(remedy, p95_seconds) for remedy in find(view)) if find else ()


def _at_its_worth(remedy: Remedy, p95_seconds: float | None) -> Remedy:
    """Some remedies end what they are for, and p95 stays where it is, held up by the next thing in the way."""
    if remedy.p95_seconds is None or p95_seconds is None or remedy.p95_seconds <= BETTER_BY * p95_seconds:
        return remedy
    hardly = "the slowest pulls would then be held up by something else"
    return replace(remedy, note=f"{remedy.note}; {hardly}" if remedy.note else hardly)


def _others_on_the_cpu(view: View) -> tuple[Remedy, ...]:
    """Only where the whole CPU was used up: no other work fills one core while images are unpacked on it."""
    peak = view.peak(CPU)
    if peak is None or peak.value < view.limits.cpu_percent:
        return ()
    return (Remedy("CPU limits for what else runs on these nodes", "kubectl top pods --all-namespaces --sort-by=cpu", note="images are unpacked with what others leave"),)


def _few_nodes(view: View, cause: Cause) -> tuple[Remedy, ...]:
    """Where nearly all nodes are fine, no new pool is the first thing to do: something else runs on the others."""
    slow, total = sorted({w.node for w in view.slow}), view.case.pool.node_count
    if not slow or len(slow) > FEW_NODES * total:
        return ()
    shown = slow[0] if len(slow) == 1 else f"{slow[0]} and {counted(len(slow) - 1, 'other node')}"
    return (Remedy(f"Find what else uses the {_RESOURCES[cause.layer]} of {shown}",
                   f"kubectl get pods --all-namespaces --output wide --field-selector spec.nodeName={slow[0]}",
                   note=f"no pull was slow on the other {total - len(slow)} of {total} nodes"),)


def _throttled(view: View) -> Iterator[Remedy]:
    host = next(iter(throttled_hosts(view)), "")
    registry = next((r for r in view.case.registries if r.login_server == host and r.id), None)
    if registry is None:
        yield _cache(view, host)
        return
    if not _premium(registry):
        yield Remedy("Premium registry (twice the requests a minute for each identity)", f"az acr update --name {_name(registry)} --sku Premium",
                     note="all kubelets of a cluster normally share one identity: a scale-out meets its limit first")
    yield _slower(view)
    yield Remedy("Images with fewer layers", note="each layer is one request; 5 to 10 are advised")


def _slower(view: View) -> Remedy:
    """Surge bounds how many nodes an upgrade makes at once; nothing bounds a scale-out but who asks for it."""
    if view.case.operation and view.case.operation.kind == "scale_out":
        return Remedy("Fewer new nodes at a time", note="scale out in steps, a few minutes apart")
    if view.case.pool.kind == "auto_provisioned":
        budget = '{"spec":{"disruption":{"budgets":[{"nodes":"10%"}]}}}'
        return Remedy("Fewer new nodes at a time", f"kubectl patch nodepools.karpenter.sh {view.case.pool.name} --type merge -p '{budget}'",
                      note="bounds upgrades and consolidation; scale out in steps")
    return Remedy("Fewer new nodes at a time", f"az aks nodepool update {_pool(view)} --max-surge 10%", note="bounds upgrades; scale out in steps")


def _cache(view: View, host: str) -> Remedy:
    """Artifact cache: each image is fetched once by our own registry, whatever the number of nodes."""
    ours = next((r.login_server for r in view.case.registries if r.id), "REGISTRY.azurecr.io")
    rule = host.split(".", maxsplit=1)[0]
    login = "; without a --cred-set to sign in, Docker Hub counts the registry as anonymous" if host == "docker.io" else ""
    return Remedy(f"Pull the images of {host} through a cache in your own registry",
                  f"az acr cache create --registry {ours.split('.', maxsplit=1)[0]} --name {rule} --source-repo '{host}/*' --target-repo '{rule}/*'",
                  note=f"pods then name {ours}/{rule}/…, and each image is fetched once, whatever the number of nodes{login}")


def _distant(view: View) -> Iterator[Remedy]:
    region = view.case.cluster.location
    registry = next((r for r in view.case.registries if r.id and region not in r.replicas), None)
    name = _name(registry) if registry else "REGISTRY"
    upgrade = "" if _premium(registry) else f"az acr update --name {name} --sku Premium && "
    replica = Remedy(f"A replica of the registry in {region}", f"{upgrade}az acr replication create --registry {name} --location {region}",
                     note="geo-replication needs the Premium tier" if upgrade else "")
    yield Forecast(view).with_effect(replica, near=True)


def _snat(view: View) -> Iterator[Remedy]:
    """More ports where the connections leave: what mends a load balancer does nothing for a firewall."""
    hop, nodes = next((h.kind for h in view.case.egress), "load_balancer"), max(1, view.case.pool.node_count)
    cluster, addresses = _cluster(view.case.cluster), -(-nodes * 2 * PORTS_PER_NODE // PORTS_PER_ADDRESS) + 1
    match hop:
        case "firewall":
            yield Remedy("More public addresses on the firewall (2,496 SNAT ports each and instance)",
                         note="Microsoft advises 20 or more for AKS; a NAT gateway on the firewall's subnet has 64,512 ports an address")
        case "nat_gateway" if view.case.cluster.outbound_type.lower().startswith("managed"):
            yield Remedy("More addresses on the NAT gateway (64,512 ports each, up to 16)",
                         f"az aks update {cluster} --nat-gateway-managed-outbound-ip-count {min(16, addresses)}", note="unless it has as many already")
        case "nat_gateway":
            yield Remedy("More public addresses on the NAT gateway (64,512 ports each, up to 16)")
        case _:
            ports = Remedy(f"{addresses} outbound addresses on the load balancer ({2 * PORTS_PER_NODE:,} ports a node)",
                           f"az aks update {cluster} --load-balancer-managed-outbound-ip-count {addresses} --load-balancer-outbound-ports {2 * PORTS_PER_NODE}")
            yield Forecast(view).with_effect(ports, admitted=True)
            yield Remedy("Managed NAT gateway (64,512 ports an address, shared by all nodes)", f"az aks update {cluster} --outbound-type managedNATGateway")
    yield _private_endpoint(view)


def _egress(view: View) -> Iterator[Remedy]:
    yield _private_endpoint(view)
    limit = next((h.limit_bits_per_second for h in view.case.egress if h.limit_bits_per_second), 0.0)
    higher = [f"{tier} carries {bit_rate(rate)}" for tier, rate in FIREWALL_TIERS.items() if rate > limit]
    yield Remedy("A firewall of a higher tier" if higher else "A second firewall", note=", ".join(higher))


def _private_endpoint(view: View) -> Remedy:
    ours = [r for r in view.case.registries if r.id]
    premium = "" if ours and all(map(_premium, ours)) else "; needs the Premium tier"
    return Remedy("Private endpoint for the registry", note=f"its image layers then bypass firewall and SNAT{premium}")


def _serial(view: View) -> Iterator[Remedy]:
    cluster, pool = view.case.cluster, view.case.pool
    if pool.kind == "auto_provisioned":
        parallel = Remedy(f"A node pool of AKS's own for these pods (Kubernetes {PARALLEL_FROM} or later pulls in parallel there)",
                          f"az aks nodepool add --resource-group {cluster.resource_group} --cluster-name {cluster.name} --name {pool.name[:11]}2",
                          note="auto-provisioned nodes pull one image at a time whatever is set")
    elif pool.pull_mode == "serial":
        parallel = Remedy(f"Kubernetes {PARALLEL_FROM} or later (nodes pull images in parallel)", _upgrade(view), note="parallel pulls ask more of the OS disk")
    else:
        parallel = Remedy("Parallel pulls, where the subscription opted out of them",
                          "az feature unregister --namespace Microsoft.ContainerService --name DisableParallelImagePulls && "
                          "az provider register --namespace Microsoft.ContainerService")
    yield Forecast(view).with_effect(parallel, serial=False)
    yield from _big_image(view)


def _upgrade(view: View) -> str:
    """One minor version after the other, as AKS wants it; the pool alone where only the pool lags behind."""
    cluster, first = view.case.cluster, _minor(PARALLEL_FROM)
    if _minor(cluster.kubernetes_version) >= first:
        return f"az aks nodepool upgrade {_pool(view)} --kubernetes-version {cluster.kubernetes_version}"
    steps = range(_minor(cluster.kubernetes_version or view.case.pool.kubernetes_version) + 1, first + 1)
    return " && ".join(f"az aks upgrade {_cluster(cluster)} --kubernetes-version 1.{minor}" for minor in steps)


def _minor(version: str) -> int:
    """31 of ``1.31.9``; one below the first that pulls in parallel where it is not known."""
    found = version.split(".")[1:2]
    return int(found[0]) if found and found[0].isdigit() else int(PARALLEL_FROM.split(".")[1]) - 1


def _qps(view: View) -> Iterator[Remedy]:
    if view.repeats:
        yield IF_NOT_PRESENT
    yield Remedy("Fewer containers starting at once on a node", note="the kubelet allows 5 pulls a second with a burst of 10; AKS does not let you change it")


def _repull(_: View) -> Iterator[Remedy]:
    yield IF_NOT_PRESENT
    yield Remedy("Room for the images on the OS disk", note="from 85 % full the kubelet deletes images that no container uses")


def _big_image(view: View) -> Iterator[Remedy]:
    """About the image that took longest to pull, not the one that stood longest in a queue behind it."""
    longest = max(view.slow, key=lambda w: (w.end - w.pull_start, w.image), default=None)
    if longest is None:
        return
    repository = longest.image.partition("/")[2]
    registry = next((r for r in view.case.registries if r.id and r.login_server == registry_host(longest.image)), None)
    if registry and ":" in repository and "@" not in repository and view.case.pool.kind != "auto_provisioned":
        upgrade = "" if _premium(registry) else f"az acr update --name {_name(registry)} --sku Premium && "
        yield Remedy("Artifact streaming (containers start before the whole image is there)",
                     f"{upgrade}az acr artifact-streaming create --name {_name(registry)} --image {repository} && "
                     f"az aks nodepool update {_pool(view)} --enable-artifact-streaming", note="Premium registry, Linux on AMD64, images by tag")
    yield Remedy(f"A smaller image: {longest.image}", note="multi-stage build, slim base, no build tools")


def _premium(registry: Registry | None) -> bool:
    return registry is not None and registry.sku.lower() == "premium"


def _cluster(cluster: Cluster) -> str:
    return f"--resource-group {cluster.resource_group} --name {cluster.name}"


def _pool(view: View) -> str:
    cluster = view.case.cluster
    return f"--resource-group {cluster.resource_group} --cluster-name {cluster.name} --name {view.case.pool.name}"


def _name(registry: Registry) -> str:
    return registry.login_server.split(".")[0]


_REMEDIES: dict[Cause, Callable[[View], Iterator[Remedy]]] = {
    Cause.REGISTRY_THROTTLED: _throttled, Cause.REGISTRY_DISTANT: _distant, Cause.NETWORK_SNAT: _snat,
    Cause.NETWORK_EGRESS: _egress, Cause.KUBELET_SERIAL: _serial, Cause.KUBELET_QPS: _qps, Cause.KUBELET_REPULL: _repull,
    Cause.IMAGE_SIZE: _big_image,
}
