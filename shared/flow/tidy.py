"""The housekeeping: what time closes is closed, what a crash left behind is taken up."""

from datetime import datetime, timedelta

from shared.flow import outgoing
from shared.flow.jobs import ASSESSMENTS, Assessment
from shared.flow.wake import decide
from shared.model import Wake, encode
from shared.services import Services
from shared.watch import operations, outbox
from shared.watch.state import PoolState

STUCK_AFTER = timedelta(minutes=5)
"""A watch without a sign of life for so long lost its message in a crash."""


def tidy(services: Services) -> None:
    """Closes what time closes, and takes up what a crash left behind."""
    settings = services.settings
    scale_out, timeout = timedelta(minutes=settings.scale_out_minutes), timedelta(minutes=settings.operation_timeout_minutes)
    for cluster_id, row in list(services.store.all_pools()):
        wake = Wake(kind="ignored", cluster_id=cluster_id, pool=row.value.pool)
        if row.value.operation is not None:
            decide(services, wake, lambda state: operations.on_time(state, services.clock(), scale_out, timeout))
            _resume(services, cluster_id, row.value, services.clock())
    for delivery in [row.value for row in services.store.deliveries()]:
        if outbox.left_behind(delivery, services.clock()):
            outgoing.enqueue(services, delivery)


def _resume(services: Services, cluster_id: str, state: PoolState, now: datetime) -> None:
    """An operation that nobody assesses any more lost its message: it gets a new one."""
    operation = state.operation
    if operation is None:
        return
    settings = services.settings
    patience = STUCK_AFTER + 2 * timedelta(seconds=max(settings.watch_interval_seconds, settings.metrics_lag_seconds))
    if now - max(state.assessed_at or operation.seen_at, operation.seen_at) > patience:
        final = operation.ended_at is not None
        services.enqueue(ASSESSMENTS, encode(Assessment(cluster_id, state.pool, operation.id, final, "resumed")))
