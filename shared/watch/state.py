"""What is remembered of one node pool, as one table row."""

from datetime import datetime

from shared.model import Incident, Operation, Value


class PoolState(Value, frozen=True):
    pool: str
    vmss_id: str = ""
    capacity: int | None = None
    """Nodes when last seen: a scale set that was written but has not grown did not scale out."""
    operation: Operation | None = None
    """The one in progress, or ended but not yet summed up."""
    last_operation: Operation | None = None
    incident: Incident | None = None
    """The open one."""
    assessed_at: datetime | None = None
