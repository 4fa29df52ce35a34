"""The image itself: pulls that are slow although nothing was in the way."""

from shared.diagnose.pressure import Claim, culprit_or_cleared, not_seen
from shared.diagnose.view import View
from shared.model import Cause, Evidence, Finding, Verdict
from shared.units import data_size, duration, percent

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
    return [culprit_or_cleared(Cause.IMAGE_SIZE, claim, (_took(view, claim, alone=len(claims) == 1),))]


def unsure(finding: Finding) -> Finding:
    """Where the cause is not known, nothing proves that nothing else was in the way."""
    if finding.verdict is not Verdict.CONTRIBUTING:
        return finding
    return not_seen(Cause.IMAGE_SIZE, "not all that may have been in the way was measured")


def _took(view: View, claim: Claim, *, alone: bool) -> Evidence:
    """The image that took longest to pull; beside other causes no pull's time is the image's alone, so the share of all is told."""
    if not alone:
        return Evidence(f"for {percent(claim.share)} of the slow pulls' time nothing that was measured was in the way", value=round(claim.share * 100, 1), unit="Percent")
    longest = max(view.slow, key=lambda w: (w.end - w.pull_start, w.image))
    size = max((p.size_bytes or 0 for p in view.case.pulls if p.image == longest.image), default=0)
    told = f" ({data_size(size)})" if size else ""
    seconds = longest.end - longest.pull_start
    text = f"{longest.image}{told} took {duration(seconds)} with nothing else in the way"
    return Evidence(text, metric="pull time", value=round(seconds, 1), unit="Seconds", node=longest.node)
