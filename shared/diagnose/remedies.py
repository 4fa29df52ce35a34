"""What to do about a culprit: exact commands where there are any, and their predicted effect.

Sources: "az aks nodepool", "az acr" command references; "Container image pull performance", "Artifact
streaming", "Use a public standard load balancer in AKS", "Azure Container Registry service tiers".
"""

from collections.abc import Callable, Iterator

from shared.diagnose.node_remedies import node_remedies
from shared.diagnose.registry import throttled_hosts
from shared.diagnose.view import View
from shared.images import registry_host
from shared.model import Cause, Cluster, Registry, Remedy

PARALLEL_FROM = "1.31"
PORTS_PER_ADDRESS = 64_000
PORTS_PER_NODE = 1024
LESS_UNPACKING = (
    Remedy("Images compressed with zstd, or fewer large layers", note="a layer is unpacked on one core; zstd takes a fraction of gzip's time"),
)


def remedies(view: View, cause: Cause, p95_seconds: float | None) -> tuple[Remedy, ...]:
    """Best first; what would make it worse comes last and is marked so."""
    if cause.layer == "disk" or cause in (Cause.CPU_UNPACK, Cause.NETWORK_NIC):
        return node_remedies(view, cause, p95_seconds) + (LESS_UNPACKING if cause is Cause.CPU_UNPACK else ())
    find = _REMEDIES.get(cause)
    return tuple(find(view)) if find else ()


def _throttled(view: View) -> Iterator[Remedy]:
    host = next(iter(throttled_hosts(view)), "")
    registry = next((r for r in view.case.registries if r.login_server == host and r.id), None)
    if registry is None:
        yield _cache(view, host)
        return
    if registry.sku.lower() != "premium":
        yield Remedy("Premium registry (twice the requests a minute for each identity)", f"az acr update --name {_name(registry)} --sku Premium",
                     note="all kubelets of a cluster normally share one identity: a scale-out meets its limit first")
    yield Remedy("Fewer nodes at a time", f"az aks nodepool update {_pool(view)} --max-surge 10%", note="slows upgrades; scale out in steps")
    yield Remedy("Images with fewer layers", note="each layer is one request; 5 to 10 are advised")


def _cache(view: View, host: str) -> Remedy:
    """Artifact cache: each image is fetched once by our own registry, whatever the number of nodes."""
    ours = next((_name(r) for r in view.case.registries if r.id), "REGISTRY")
    rule = host.split(".", maxsplit=1)[0]
    return Remedy(f"Pull the images of {host} through a cache in your own registry",
                  f"az acr cache create --registry {ours} --name {rule} --source-repo '{host}/*' --target-repo '{rule}/*'",
                  note="the registry fetches each image once, whatever the number of nodes")


def _distant(view: View) -> Iterator[Remedy]:
    region = view.case.cluster.location
    registry = next((r for r in view.case.registries if r.id and region not in r.replicas), None)
    name = _name(registry) if registry else "REGISTRY"
    premium = "" if registry and registry.sku.lower() == "premium" else f"az acr update --name {name} --sku Premium && "
    yield Remedy(f"A replica of the registry in {region}", f"{premium}az acr replication create --registry {name} --location {region}",
                 note="geo-replication needs the Premium tier")


def _snat(view: View) -> Iterator[Remedy]:
    nodes = max(1, view.case.pool.node_count)
    addresses = -(-nodes * 2 * PORTS_PER_NODE // PORTS_PER_ADDRESS) + 1
    yield Remedy(f"{addresses} outbound addresses on the load balancer ({2 * PORTS_PER_NODE:,} ports a node)",
                 f"az aks update {_cluster(view.case.cluster)} --load-balancer-managed-outbound-ip-count {addresses} "
                 f"--load-balancer-outbound-ports {2 * PORTS_PER_NODE}")
    yield Remedy("Managed NAT gateway (64,512 ports an address, shared by all nodes)",
                 f"az aks update {_cluster(view.case.cluster)} --outbound-type managedNATGateway")
    yield _private_endpoint()


def _egress(_: View) -> Iterator[Remedy]:
    yield _private_endpoint()
    yield Remedy("A firewall of a higher tier, or one more", note="Standard carries 30 Gbit/s, Premium 100 Gbit/s")


def _private_endpoint() -> Remedy:
    return Remedy("Private endpoint for the registry", note="layers then bypass firewall and SNAT; needs the Premium tier")


def _serial(view: View) -> Iterator[Remedy]:
    if view.case.pool.pull_mode == "serial":
        yield Remedy(f"Kubernetes {PARALLEL_FROM} or later (nodes pull images in parallel)",
                     f"az aks upgrade {_cluster(view.case.cluster)} --kubernetes-version {PARALLEL_FROM}", note="parallel pulls ask more of the OS disk")
    else:
        yield Remedy("Parallel pulls switched on again", "az feature unregister --namespace Microsoft.ContainerService --name DisableParallelImagePulls",
                     note="auto-provisioned nodes pull one image at a time whatever is set")
    yield from _big_image(view)


def _qps(_: View) -> Iterator[Remedy]:
    yield Remedy("Fewer containers starting at once on a node", note="the kubelet allows 5 pulls a second with a burst of 10; AKS does not let you change it")


def _repull(_: View) -> Iterator[Remedy]:
    yield Remedy("imagePullPolicy: IfNotPresent, with fixed tags", note="Always asks the registry at every start of a container")


def _big_image(view: View) -> Iterator[Remedy]:
    slowest = max(view.slow, key=lambda w: (w.seconds, w.image), default=None)
    if slowest is None:
        return
    repository = slowest.image.partition("/")[2].partition("@")[0]
    registry = next((r for r in view.case.registries if r.id and r.login_server == registry_host(slowest.image)), None)
    if registry:
        yield Remedy("Artifact streaming (containers start before the whole image is there)",
                     f"az acr artifact-streaming create --name {_name(registry)} --image {repository} && "
                     f"az aks nodepool update {_pool(view)} --enable-artifact-streaming", note="Premium registry, Linux on AMD64, images by tag")
    yield Remedy(f"A smaller image: {slowest.image}", note="multi-stage build, slim base, no build tools")


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
