"""What is remembered, a table row each."""

from datetime import datetime

import msgspec

from shared.model import Cause, Incident, Item, Operation, Value


class Worst(Value, frozen=True):
    """The worst look at something while it went on."""

    p95_seconds: float | None = None
    remedy: str = ""
    """What would have helped most then."""
    remedy_p95_seconds: float | None = None
    slowest: tuple[tuple[str, float], ...] = ()
    """(image, seconds) of the slowest pulls."""


class PoolState(Value, frozen=True):
    pool: str
    vmss_id: str = ""
    capacity: int | None = None
    """Nodes when last seen: a scale set that was written but has not grown did not scale out."""
    operation: Operation | None = None
    """The one in progress, or ended but not yet summed up."""
    superseded: tuple[Operation, ...] = ()
    """Ended and not yet summed up either when the next one began, oldest first."""
    last_operation: Operation | None = None
    incident: Incident | None = None
    """The open one."""
    worst: Worst | None = None
    """Of the open incident."""
    notice_id: str = ""
    """The notice that said last what the open incident is."""
    assessed_at: datetime | None = None
    asked_at: datetime | None = None
    """When an assessment was last asked for besides those of an operation: one a minute is enough."""

    @property
    def operations(self) -> tuple[Operation, ...]:
        """All that are not summed up, oldest first."""
        return (*self.superseded, self.operation) if self.operation else self.superseded

    def named(self, operation_id: str) -> Operation | None:
        """The operation of that id that is not summed up."""
        return next((operation for operation in self.operations if operation.id == operation_id), None)


class Waiting(Value, frozen=True):
    """A notice that people are yet to be told of, together with whatever else changes in its cluster."""

    item: Item
    cause: Cause
    since: datetime
    held: bool = False
    """A mute was in force when it came up: programs have not been told of it either."""

    @property
    def id(self) -> str:
        return self.item.notice_id


class ClusterState(Value, frozen=True):
    """When a cluster's receivers were last told, and of what."""

    announced_at: datetime | None = None
    announced: tuple[str, ...] = ()
    """Ids of the notices in the last announcement: a row of theirs that is still there was told already."""
    silenced: tuple[str, ...] = ()
    """Those of them that nobody is told of: they were over before a mute was."""
    told_at: dict[str, datetime] = msgspec.field(default_factory=dict)
    """Receiver → when it was last told anything: what others are told about is no reminder to it."""


class Past(Value, frozen=True):
    """What is kept of an incident or an upgrade once it is over, for the weekly digest."""

    id: str
    cluster_id: str
    pool: str
    at: datetime
    """When it ended."""
    kind: str
    """``incident``, ``upgrade``, ``scale_out``, …"""
    cause: Cause
    incidents: int = 0
    """1 if it was, or ended, an incident."""
    seconds: float | None = None
    """How long the incident was open; where there was none, how long the operation took."""
    p95_seconds: float | None = None
    """The worst seen."""
    remedy: str = ""
    remedy_p95_seconds: float | None = None
    slowest: tuple[tuple[str, float], ...] = ()
    """(image, seconds) of the slowest pulls."""


class Turn(Value, frozen=True):
    """When a receiver may be told the next thing."""

    receiver: str
    free_at: datetime
    closed_until: datetime | None = None
    """The receiver asked for a pause until then: also those whose turn it is wait."""


class Housekeeping(Value, frozen=True):
    """What the housekeeping did last, so that it does it once a day."""

    expired_on: str = ""
    reported_on: dict[str, str] = msgspec.field(default_factory=dict)
    """Reason → the day it was last reported."""
