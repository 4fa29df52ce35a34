"""The meaning: findings, remedies, impact, and the Diagnosis that holds them all."""

from datetime import datetime

from shared.model.base import Cause, Severity, Value, Verdict
from shared.model.case import Cluster, Coverage, NodePool, Operation, Window

DIAGNOSIS_VERSION = 1


class Evidence(Value, frozen=True):
    """One sentence, and the numbers in it so that a reader can check them."""

    text: str
    metric: str = ""
    value: float | None = None
    unit: str = ""
    limit: float | None = None
    node: str = ""
    at: datetime | None = None


class Remedy(Value, frozen=True):
    title: str
    command: str = ""
    p95_seconds: float | None = None
    """Predicted p95 pull time once done; None: not predictable from this Case."""
    note: str = ""
    worse: bool = False
    """A remedy often proposed that would make *this* pool slower: said so that nobody tries it."""
    rough: bool = False
    """The prediction is an order of magnitude only: the same model does not bring out today's p95."""


class Finding(Value, frozen=True):
    cause: Cause
    verdict: Verdict
    confidence: float
    """0..1: how sure the verdict is."""
    share: float | None = None
    """0..1: part of the slow pulls' lost time that this cause explains."""
    evidence: tuple[Evidence, ...] = ()
    remedies: tuple[Remedy, ...] = ()


class SlowPull(Value, frozen=True):
    image: str
    node: str
    seconds: float


class Impact(Value, frozen=True):
    nodes_total: int
    pulls: int | None = None
    """None: pulls are not visible in this Case."""
    failed: int | None = None
    slow: int | None = None
    p50_seconds: float | None = None
    p95_seconds: float | None = None
    baseline_p95_seconds: float | None = None
    slowest: tuple[SlowPull, ...] = ()
    nodes_affected: int | None = None
    slow_minutes: int | None = None
    """Minutes of the window in which a slow pull went on anywhere in the pool."""


class Chart(Value, frozen=True):
    """The deciding metric over time, for a sparkline or a chart."""

    metric: str
    unit: str
    start: datetime
    step_seconds: int
    values: tuple[float | None, ...]
    limit: float | None = None
    usual: float | None = None


class Diagnosis(Value, frozen=True):
    id: str
    cluster: Cluster
    pool: NodePool
    window: Window
    cause: Cause
    confidence: float
    severity: Severity
    headline: str
    findings: tuple[Finding, ...]
    impact: Impact
    chart: Chart | None = None
    coverage: tuple[Coverage, ...] = ()
    operation: Operation | None = None
    version: int = DIAGNOSIS_VERSION

    @property
    def culprit(self) -> Finding | None:
        """The finding behind ``cause``; None for healthy and unknown."""
        return next((f for f in self.findings if f.verdict is Verdict.CULPRIT), None)
