"""What travels on the queues between the steps of the flow."""

from datetime import datetime

from shared.azure_ids import segment
from shared.model import Value

ASSESSMENTS, ANNOUNCEMENTS, DELIVERIES, EVENTS = "assessments", "announcements", "deliveries", "azure-events"


class Assessment(Value, frozen=True):
    """Message on the queue ``assessments``."""

    cluster_id: str
    pool: str
    operation_id: str = ""
    """The operation this belongs to; empty for a suspect of the screening."""
    final: bool = False
    reason: str = ""
    asked_at: datetime | None = None
    """When it is due: an assessment since then has answered it, and a twin of this message asks for nothing."""


class Announcement(Value, frozen=True):
    """Message on the queue ``announcements``: look whether this cluster has something to tell."""

    cluster_id: str
    notice_id: str = ""
    """The notice that asks for it; empty: the housekeeping does."""


class DeliveryJob(Value, frozen=True):
    """Message on the queue ``deliveries``."""

    cluster_id: str
    delivery_id: str


def title(cluster_id: str, pool: str) -> str:
    """``prod-weu / apps``: how a pool is called in logs and answers."""
    return f"{segment(cluster_id, 'managedClusters')} / {pool}"
