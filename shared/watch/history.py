"""What is kept of incidents and operations once they are over: a small row each, for the weekly digest."""

from shared.model import Diagnosis, Notice
from shared.watch.state import Past, Worst

IMAGES = 3
IMAGE_CHARACTERS = 200


def past_of(notice: Notice, worst: Worst) -> Past:
    """The row about what this notice says is over. ``worst`` was seen while it went on: at its end all looks well."""
    operation, incident = (notice.operation if notice.kind == "summary" else None), notice.incident
    began_at = incident.opened_at if incident else operation.started_at if operation else None
    return Past(
        id=notice.id, cluster_id=notice.diagnosis.cluster.id, pool=notice.diagnosis.pool.name, at=notice.at,
        kind=operation.kind if operation else "incident", cause=incident.cause if incident else notice.diagnosis.cause,
        incidents=int(incident is not None), seconds=(notice.at - began_at).total_seconds() if began_at else None,
        p95_seconds=worst.p95_seconds, remedy=worst.remedy, remedy_p95_seconds=worst.remedy_p95_seconds, slowest=worst.slowest,
    )


def worst_of(worst: Worst | None, diagnosis: Diagnosis) -> Worst:
    """The worse of what was seen before and this diagnosis, by its p95."""
    p95 = diagnosis.impact.p95_seconds
    if worst is not None and (p95 is None or (worst.p95_seconds or 0.0) >= p95):
        return worst
    remedies = diagnosis.culprit.remedies if diagnosis.culprit else ()
    best = next((r for r in remedies if not r.worse), None)
    slowest = tuple((pull.image[:IMAGE_CHARACTERS], pull.seconds) for pull in diagnosis.impact.slowest[:IMAGES])
    return Worst(p95, best.title[:IMAGE_CHARACTERS] if best else "", best.p95_seconds if best else None, slowest)
