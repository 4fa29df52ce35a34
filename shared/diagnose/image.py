"""The image itself: pulls that are slow although nothing was in the way."""

from shared.diagnose.pressure import Claim, culprit_or_cleared, not_seen
from shared.diagnose.view import View
from shared.model import Cause, Evidence, Finding
from shared.units import data_size, duration

UNSEEN_TOO_MUCH = 0.03
"""Part of the slow time without measurements from which nobody can say what it was not."""


def findings(view: View, claims: dict[Cause, Claim]) -> list[Finding]:
    claim = claims.get(Cause.IMAGE_SIZE)
    if not view.pulls_seen:
        return [not_seen(Cause.IMAGE_SIZE, "pulls are not visible")]
    if claim is None and view.notes.get("unseen_share", 0.0) >= UNSEEN_TOO_MUCH:
        return [not_seen(Cause.IMAGE_SIZE, "too little was measured while pulls were slow")]
    if claim is None and not view.slow and view.long_for_unknown:
        return [not_seen(Cause.IMAGE_SIZE, "what is usual here is not known")]
    if claim is None:
        text = "no slow pull" if not view.slow else "held up by something else"
        return [culprit_or_cleared(Cause.IMAGE_SIZE, None, (Evidence(text),))]
    slowest = max(view.slow, key=lambda w: (w.seconds, w.image))
    size = max((p.size_bytes or 0 for p in view.case.pulls if p.image == slowest.image), default=0)
    told = f" ({data_size(size)})" if size else ""
    text = f"The image is the bottleneck: {slowest.image}{told} took {duration(slowest.seconds)} with nothing else in the way"
    return [culprit_or_cleared(Cause.IMAGE_SIZE, claim, (Evidence(text, value=slowest.seconds, unit="Seconds"),))]
