"""What a metrics request asks for, and everything Azure Monitor refuses about it."""

import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import uuid4

import msgspec

from local.azure.metric_catalog import TIME_GRAINS, MetricDefinition, definitions
from local.azure.metric_series import AGGREGATES, MINUTE
from local.azure.times import clock_text, parse_duration, parse_time, parse_timespan

MOST_METRICS = 20
DEFAULT_TOP = 10
_CLAUSE = re.compile(
    r"\s*\(?\s*(?P<name>[\w.\- /%]+?)\s+eq\s+'(?P<value>(?:[^']|'')*)'\s*\)?\s*(?P<joint>and|or|$)", re.IGNORECASE
)

type Conditions = dict[str, set[str]]
"""Lower-case dimension name → lower-case values, in the filter's order; ``*`` is any."""


class BadMetricsRequestError(Exception):
    """HTTP 400 for the whole call; the message is Azure Monitor's."""


class MetricsQuery(msgspec.Struct, frozen=True, kw_only=True):
    metrics: tuple[MetricDefinition, ...]
    start: datetime
    end: datetime
    interval: timedelta | None
    """None: ``FULL``, one point for the whole timespan."""
    interval_text: str
    aggregations: tuple[str, ...]
    """Lower-case; empty: each metric's primary one."""
    conditions: Conditions
    rolled_up: frozenset[str]
    top: int
    order_by: tuple[str, bool] | None
    """Aggregation, and whether descending."""

    @property
    def slot_minutes(self) -> int:
        """Minutes that make one point."""
        return math.ceil((self.interval or self.end - self.start + MINUTE) / MINUTE)


def read_query(namespace: str, params: Mapping[str, str], now: datetime) -> MetricsQuery:
    """The query in request parameters, names in lower case: the ARM ones (``timespan``, ``$filter``) or the
    batch ones (``starttime``, ``endtime``, ``filter``). Raises ``BadMetricsRequestError``."""
    metrics = _metrics(namespace, params.get("metricnames", ""))
    start, end = _timespan(params, now)
    interval, interval_text = _interval(metrics, params.get("interval", ""), end - start)
    conditions = _conditions(params.get("$filter", params.get("filter", "")))
    if params.get("validatedimensions", "true").lower() != "false":
        _require_dimensions(metrics, conditions)
    return MetricsQuery(
        metrics=metrics,
        start=start,
        end=end,
        interval=interval,
        interval_text=interval_text,
        aggregations=_aggregations(params.get("aggregation", "")),
        conditions=conditions,
        rolled_up=frozenset(each.strip().lower() for each in params.get("rollupby", "").split(",") if each.strip()),
        top=_top(params.get("top", "")),
        order_by=_order_by(params.get("orderby", "")),
    )


def _metrics(namespace: str, names: str) -> tuple[MetricDefinition, ...]:
    known = definitions(namespace)
    provider, _, kind = namespace.partition("/")
    asked = [name.strip() for name in names.split(",") if name.strip()]
    if not asked:
        raise BadMetricsRequestError("The metricnames query parameter is required.")
    if len(asked) > MOST_METRICS:
        raise BadMetricsRequestError(f"Requested metrics count: {len(asked)} bigger than allowed max: {MOST_METRICS}")
    for name in asked:
        if name.lower() not in known:
            valid = ",".join(each.name for each in known.values())
            raise BadMetricsRequestError(
                f"Failed to find metric configuration for provider: {provider}, resource Type: {kind}, metric: {name}, Valid metrics: {valid}"
            )
    return tuple(known[name.lower()] for name in asked)


def _timespan(params: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
    try:
        if "timespan" in params:
            start, end = parse_timespan(params["timespan"], now)
        else:
            end = parse_time(params["endtime"]) if "endtime" in params else now
            start = parse_time(params["starttime"]) if "starttime" in params else end - timedelta(hours=1)
    except ValueError as error:
        raise BadMetricsRequestError(f"Invalid timespan: {error}") from None
    if start >= end:
        raise BadMetricsRequestError(
            f"Start time: {start.isoformat()} is not earlier than end time: {end.isoformat()}."
        )
    return start, end


def _interval(metrics: tuple[MetricDefinition, ...], text: str, span: timedelta) -> tuple[timedelta | None, str]:
    if text.upper() == "FULL":
        return None, f"PT{int(span / MINUTE)}M"
    finest = max(each.finest_grain for each in metrics)
    common = [grain for grain in TIME_GRAINS if parse_duration(grain) >= finest]
    wanted = text.upper() or common[0]
    supported = ",".join(clock_text(parse_duration(grain)) for grain in common)
    if wanted not in TIME_GRAINS:
        raise BadMetricsRequestError(f"Invalid time grain duration: {text}, supported ones are: {supported}")
    if wanted not in common:
        names = ",".join(each.name for each in metrics)
        raise BadMetricsRequestError(
            f"Commonly allowed time grains: {supported} between metrics: {names}, can not support requested time grain: "
            f"{clock_text(parse_duration(wanted))} please adjust your interval parameter to use one of the common grains, TraceId: {uuid4()}"
        )
    return parse_duration(wanted), wanted


def _conditions(text: str) -> Conditions:
    conditions: Conditions = {}
    at, before, joint = 0, "", "and" if text.strip() else ""
    while joint:
        clause = _CLAUSE.match(text, at)
        if not clause:
            raise BadMetricsRequestError(f"Invalid filter expression: {text}")
        name = clause["name"].strip().lower()
        if joint == "or" and name != before:
            raise BadMetricsRequestError(
                f"Invalid filter expression: {text}. The 'or' operator cannot separate two different metadata names."
            )
        conditions.setdefault(name, set()).add(clause["value"].replace("''", "'").lower())
        at, before, joint = clause.end(), name, clause["joint"].lower()
    return conditions


def _require_dimensions(metrics: tuple[MetricDefinition, ...], conditions: Conditions) -> None:
    for metric in metrics:
        if not set(conditions) <= {name.lower() for name in metric.dimensions}:
            raise BadMetricsRequestError(
                f"Metric: {metric.name} does not support requested dimension combination: {','.join(conditions)}, "
                f"supported ones are: {','.join(metric.dimensions)}, TraceId: {{{uuid4()}}}"
            )


def _aggregations(text: str) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(each.strip().lower() for each in text.split(",") if each.strip()))
    for name in asked:
        if name not in AGGREGATES:
            raise BadMetricsRequestError(
                f"Aggregation type: {name} is not supported, supported ones are: Average,Count,Minimum,Maximum,Total"
            )
    return asked


def _top(text: str) -> int:
    if not text:
        return DEFAULT_TOP
    if not text.isdigit() or int(text) < 1:
        raise BadMetricsRequestError(f"Invalid top: {text}, a positive integer is expected.")
    return int(text)


def _order_by(text: str) -> tuple[str, bool] | None:
    words = text.lower().split()
    if not words:
        return None
    if len(words) > 2 or words[0] not in AGGREGATES | {"sum": sum} or words[-1] not in ("asc", "desc", words[0]):
        raise BadMetricsRequestError(
            f"Invalid orderby: {text}, only one order such as 'average desc' can be specified."
        )
    return ("total" if words[0] == "sum" else words[0]), words[-1] == "desc"
