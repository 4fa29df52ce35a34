"""Spans and counters for whoever watches Pullwatch: OpenTelemetry's where it is installed, nothing otherwise.

``azure-monitor-opentelemetry`` is no dependency: an app that installs it and sets
``PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY=true`` gets the spans and counters too (docs/operate.md). Attributes
are ids and closed words; a URL, a key or a message of somebody else's never is one.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any

NAME = "pullwatch"

type Attribute = str | int | float | bool


@contextmanager
def span(name: str, **attributes: Attribute) -> Iterator[None]:
    """What runs inside is one span; an error that leaves it marks it as failed."""
    tracer, _ = _api()
    if tracer is None:
        yield
        return
    with tracer.start_as_current_span(f"{NAME}.{name}", attributes=attributes):
        yield


def count(name: str, value: int = 1, **attributes: Attribute) -> None:
    """Adds to a counter."""
    if _api()[1] is not None:
        _counter(name).add(value, attributes)


def measure(name: str, value: float, unit: str, **attributes: Attribute) -> None:
    """Adds to a distribution: ``measure("delivery.dwell", 93.0, "s")``."""
    if _api()[1] is not None:
        _histogram(name, unit).record(value, attributes)


def unobserved() -> AbstractContextManager[None]:
    """Within it, no instrumentation of an HTTP library records a request: its spans would hold the whole URL.

    ``azure-monitor-opentelemetry`` instruments requests and urllib3 as soon as it is switched on.
    """
    try:
        from opentelemetry.instrumentation.utils import suppress_instrumentation
    except ImportError:
        return nullcontext()
    found: AbstractContextManager[None] = suppress_instrumentation()
    return found


@cache
def _api() -> tuple[Any, Any]:
    """(tracer, meter), or (None, None) where OpenTelemetry is not installed."""
    try:
        from opentelemetry import metrics, trace
    except ImportError:
        return None, None
    return trace.get_tracer(NAME), metrics.get_meter(NAME)


@cache
def _counter(name: str) -> Any:
    return _api()[1].create_counter(f"{NAME}.{name}")


@cache
def _histogram(name: str, unit: str) -> Any:
    return _api()[1].create_histogram(f"{NAME}.{name}", unit=unit)
