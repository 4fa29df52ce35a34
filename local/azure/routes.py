"""Which service answers which path, under which kind it is counted, and for which audience it wants a token."""

import re
from collections.abc import Callable

import msgspec

from local.azure import arm, compute, logs, metrics, registries
from local.azure.http import Answer, Request
from local.azure.inventory import resource_type
from local.azure.served import Served
from local.azure.tokens import LOG_ANALYTICS, MONITOR_METRICS, RESOURCE_MANAGER

type Handler = Callable[[Served, Request], Answer]

KIND_OF_TYPE = {
    "microsoft.compute/virtualmachinescalesets": "scale_sets",
    "microsoft.compute/virtualmachinescalesets/virtualmachines": "scale_sets",
    "microsoft.compute/disks": "disks",
    "microsoft.containerregistry/registries": "registries",
    "microsoft.containerregistry/registries/replications": "registries",
}


class Route(msgspec.Struct, frozen=True):
    methods: tuple[str, ...]
    path: re.Pattern[str]
    kind: str
    audiences: tuple[str, ...]
    handler: Handler


def _route(methods: str, path: str, kind: str, audiences: tuple[str, ...], handler: Handler) -> Route:
    return Route(tuple(methods.split()), re.compile(path, re.IGNORECASE), kind, audiences, handler)


ROUTES = (
    _route(
        "POST", r"/v1/\$batch", "logs", LOG_ANALYTICS, lambda s, r: logs.query_batch(s.inventory, s.logs, s.clock(), r)
    ),
    _route(
        "POST",
        r"/v1/workspaces/[^/]+/query",
        "logs",
        LOG_ANALYTICS,
        lambda s, r: logs.query_workspace(s.inventory, s.logs, s.clock(), r),
    ),
    _route(
        "POST",
        r"/v1/+subscriptions/.+/query",
        "logs",
        LOG_ANALYTICS,
        lambda s, r: logs.query_resource(s.inventory, s.logs, s.clock(), r),
    ),
    _route(
        "POST",
        r"(/regions/[^/]+)?/subscriptions/[^/]+/metrics:getBatch",
        "metrics_batch",
        MONITOR_METRICS,
        lambda s, r: metrics.read_batch(s.inventory, s.metrics, s.clock(), r),
    ),
    _route(
        "POST",
        r"/providers/Microsoft\.ResourceGraph/resources",
        "graph",
        RESOURCE_MANAGER,
        lambda s, r: s.graph.query(r, s.clock()),
    ),
    _route(
        "GET",
        r"/subscriptions",
        "subscriptions",
        RESOURCE_MANAGER,
        lambda s, r: arm.list_subscriptions(s.inventory, r, s.page_size),
    ),
    _route(
        "GET",
        r"/subscriptions/.+/providers/Microsoft\.Insights/metrics",
        "metrics_arm",
        RESOURCE_MANAGER,
        lambda s, r: metrics.read_one(s.inventory, s.metrics, s.clock(), r),
    ),
    _route(
        "GET",
        r"/subscriptions/.+/providers/Microsoft\.Insights/metricDefinitions",
        "metrics_arm",
        RESOURCE_MANAGER,
        lambda s, r: metrics.list_definitions(s.inventory, r),
    ),
    _route(
        "GET",
        r"/subscriptions/[^/]+/providers/Microsoft\.Compute/skus",
        "skus",
        RESOURCE_MANAGER,
        lambda s, r: compute.list_skus(s.inventory, s.world.resource_skus, r, s.page_size),
    ),
    _route(
        "GET",
        r"/subscriptions/.+/Microsoft\.Compute/virtualMachineScaleSets/[^/]+/virtualMachines",
        "scale_sets",
        RESOURCE_MANAGER,
        lambda s, r: compute.list_instances(s.inventory, s.instances(r.path.rpartition("/")[0]), r, s.page_size),
    ),
    # The REST reference shows a GET, older clients POST.
    _route(
        "GET POST",
        r"/subscriptions/.+/Microsoft\.ContainerRegistry/registries/[^/]+/listUsages",
        "registries",
        RESOURCE_MANAGER,
        lambda s, r: registries.list_usages(s.inventory, s.metrics, r),
    ),
    _route(
        "GET",
        r"/subscriptions/.+/providers/[^/]+/.+",
        "resources",
        RESOURCE_MANAGER,
        lambda s, r: arm.read_resources(s.inventory, r, s.page_size),
    ),
)


def find_route(request: Request) -> Route | None:
    """The route of a request; plain resources count under the kind of their type."""
    path = request.path.rstrip("/")
    for route in ROUTES:
        if request.method in route.methods and route.path.fullmatch(path):
            kind = (
                KIND_OF_TYPE.get(resource_type(path).lower(), route.kind) if route.kind == "resources" else route.kind
            )
            return msgspec.structs.replace(route, kind=kind)
    return None
