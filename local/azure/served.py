"""A world, indexed for serving."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from local.azure.graph import Graph
from local.azure.inventory import Inventory
from local.azure.logs import Logs
from local.azure.metric_series import MetricStore
from local.world.types import World


class View(msgspec.Struct, frozen=True):
    """How a world is looked at."""

    clock: Callable[[], datetime]
    metrics_lag_seconds: float
    logs_lag_seconds: float
    page_size: int
    """Rows of a page where Resource Manager pages."""


class Served:
    """Everything the services read; replaced as a whole when another world is served."""

    def __init__(self, world: World, view: View) -> None:
        self.world = world
        self.clock = view.clock
        self.page_size = view.page_size
        self.inventory = Inventory(world.resources)
        self.metrics = MetricStore(world.metrics, view.metrics_lag_seconds)
        self.graph = Graph(self.inventory)
        self.logs = Logs(world.tables, view.logs_lag_seconds)

    def instances(self, scale_set_id: str) -> set[str]:
        return self.metrics.reporting(scale_set_id, "VMName", self.clock())

    def close(self) -> None:
        self.graph.close()
        self.logs.close()
