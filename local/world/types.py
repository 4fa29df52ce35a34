"""What a simulated world is made of: the contract between the physical model and the local Azure.

The physical model (``local/world``) fills a ``World``; the local Azure (``local/azure``) serves it
through Azure's own interfaces and knows nothing of how it came about.
"""

from datetime import datetime
from typing import Any

import msgspec


class MetricSeries(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of one resource and one combination of dimension values, minute by minute."""

    resource_id: str
    metric: str
    """The name in REST, in Azure's spelling."""
    unit: str
    aggregation: str
    """The one Azure stores for this metric: ``Average`` or ``Total``."""
    dimensions: dict[str, str]
    """``{"VMName": "aks-apps-12345678-vmss_0"}``; empty for a metric without any."""
    start: datetime
    values: list[float | None]
    """One a minute from ``start``; None: Azure has no value for that minute."""


class TimedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An Event Grid event as the platform would post it, and when."""

    at: datetime
    body: dict[str, Any]


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What really held the pulls of one pool up, from the model's own accounting."""

    cluster_id: str
    pool: str
    cause: str
    """A value of ``shared.model.Cause``, as plain text: the model does not import the product."""
    lost_seconds: dict[str, float]
    """Cause → seconds by which it made the slow pulls longer than they would have been unhindered."""
    slow_pulls: int
    p95_seconds: float | None
    """Of the pulls that got their image, back-off and queue included."""
    unfinished: int = 0
    """Pulls that never did, within the world."""


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one scenario left behind, from ``history_start`` to ``end``."""

    scenario: str
    seed: int
    description: str
    history_start: datetime
    window_start: datetime
    """Start of the operation (or of the minutes in question): what a diagnosis should look at."""
    window_end: datetime
    end: datetime
    resources: list[dict[str, Any]]
    """ARM resources as Azure Resource Graph lists them: clusters, scale sets, registries, replications, …"""
    resource_skus: list[dict[str, Any]]
    """Rows of Compute's resourceSkus for the locations in use."""
    metrics: list[MetricSeries]
    tables: dict[str, list[dict[str, Any]]]
    """Log Analytics table → rows with its documented columns; times are aware datetimes."""
    events: list[TimedEvent]
    truths: list[Truth]
    degraded: tuple[str, ...] = ()
    """What was taken away from the evidence (``local.world.degrade``)."""
