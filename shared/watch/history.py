"""What is kept of incidents and operations once they are over: a small row each, for the weekly digest."""

from shared.model import Diagnosis, Notice
from shared.watch.state import Past

IMAGES = 3
IMAGE_CHARACTERS = 200


def past_of(notice: Notice) -> list[Past]:
    """The row about what this notice says is over; none while it goes on."""
    if notice.kind not in ("resolved", "summary"):
        return []
    operation, incident = (notice.operation if notice.kind == "summary" else None), notice.incident
    began_at = operation.started_at if operation else incident.opened_at if incident else None
    best = _best_remedy(notice.diagnosis)
    impact = notice.diagnosis.impact
    return [Past(
        id=notice.id, cluster_id=notice.diagnosis.cluster.id, pool=notice.diagnosis.pool.name, at=notice.at,
        kind=operation.kind if operation else "incident", cause=incident.cause if incident else notice.diagnosis.cause,
        incidents=int(incident is not None), seconds=(notice.at - began_at).total_seconds() if began_at else None,
        slow_minutes=impact.slow_minutes, p95_seconds=impact.p95_seconds, remedy=best[0], remedy_p95_seconds=best[1],
        slowest=tuple((pull.image[:IMAGE_CHARACTERS], pull.seconds) for pull in impact.slowest[:IMAGES]),
    )]


def _best_remedy(diagnosis: Diagnosis) -> tuple[str, float | None]:
    """(title, predicted p95) of the first remedy that helps; nothing where none is known."""
    remedies = diagnosis.culprit.remedies if diagnosis.culprit else ()
    best = next((r for r in remedies if not r.worse), None)
    return (best.title[:IMAGE_CHARACTERS], best.p95_seconds) if best else ("", None)
