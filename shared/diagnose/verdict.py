"""All layers together → the verdict: which cause, how sure, how bad, in one headline."""

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from shared.diagnose import cpu, disk, disk_findings, image, kubelet, network, registry
from shared.diagnose.attribution import Attribution, attribute
from shared.diagnose.headline import bottleneck, headline
from shared.diagnose.pressure import Claim
from shared.diagnose.remedies import remedies
from shared.diagnose.view import View
from shared.diagnose.waits import Wait, percentile_seconds
from shared.model import (
    Case,
    Cause,
    Chart,
    Diagnosis,
    Evidence,
    Finding,
    Impact,
    Severity,
    SlowPull,
    Thresholds,
    Verdict,
)

CONTRIBUTES_FROM = 0.03
"""Part of the slow time from which a cause is worth naming."""
NOT_MEASURED = (Cause.IMAGE_SIZE, Cause.REGISTRY_DISTANT)
"""Named for what nothing that was measured explains."""
UNEXPLAINED_FROM = 0.10
"""Part of the slow time without an explanation from which a limit that was reached, however briefly, is not cleared."""
CULPRIT_FROM = 0.30
"""Part of the slow time that the largest cause must explain to be the culprit."""
CRITICAL_FACTOR = 3.0
"""Critical: p95 this many times the bound of slow, or …"""
CRITICAL_FAILED_SHARE = 0.2
"""… this part of the pulls not done when the window ended."""
WARNING_PULLS = 3
WARNING_SHARE = 0.01
"""Warning: that many slow pulls at least, and that part of all: one hot node in 30 is seen, one hiccup is not."""
FROM_AFAR_MEANWHILE = Evidence("Meanwhile images came from a registry in another region, which may have been what held them up")
LAYERS: tuple[Callable[[View, dict[Cause, Claim]], list[Finding]], ...] = (
    registry.findings, network.findings, disk_findings.findings, cpu.findings, kubelet.findings, image.findings,
)
_ORDER = (Verdict.CULPRIT, Verdict.CONTRIBUTING, Verdict.CLEARED, Verdict.UNKNOWN)
_PENALTY = {"metrics": 0.1, "pulls": 0.1, "limits": 0.25, "baseline": 0.02, "registry_log": 0.0, "network": 0.1}


def diagnose(case: Case, limits: Thresholds) -> Diagnosis:
    """The same Case gives the same Diagnosis, byte for byte."""
    view = View(case, limits)
    found = attribute(view)
    view.notes["unseen_share"] = found.unseen_share
    claims = {c: claim for c, claim in found.claims.items() if claim.share >= CONTRIBUTES_FROM}
    view.notes["unexplained"] = sum(claim.share for cause, claim in claims.items() if cause in NOT_MEASURED) >= UNEXPLAINED_FROM
    findings = [_cleared_or_not(view, found, f) for layer in LAYERS for f in layer(view, claims)]
    impact = _impact(view)
    cause = _cause(view, found, findings)
    if cause is Cause.UNKNOWN:
        findings = [image.unsure(f) if f.cause is Cause.IMAGE_SIZE else f for f in findings]
    if cause in claims and claims[cause].contested >= CONTRIBUTES_FROM:
        findings = [replace(f, evidence=(*f.evidence, FROM_AFAR_MEANWHILE)) if f.cause is cause else f for f in findings]
    confidence = _confidence(view, found, cause)
    held = view.of(claims[cause].nodes) if cause in claims else view
    return Diagnosis(
        id=case.id, cluster=case.cluster, pool=case.pool, window=case.window, cause=cause, confidence=confidence,
        severity=_severity(view, impact, cause), headline=headline(held, impact, cause),
        findings=_ranked(held, findings, cause, confidence, impact.p95_seconds), impact=impact,
        chart=_chart(view, cause), coverage=case.coverage, operation=case.operation,
    )


def _cleared_or_not(view: View, found: Attribution, finding: Finding) -> Finding:
    """A limit that was reached is not cleared while slow time is unexplained: a minute's average may hide it."""
    first = finding.evidence[0]
    if not view.notes["unexplained"] or finding.verdict is not Verdict.CLEARED or first.limit is None or first.value is None or first.value < first.limit:
        return finding
    share = round(found.claims[finding.cause].share, 4) if finding.cause in found.claims else 0.0
    return Finding(finding.cause, Verdict.CONTRIBUTING, share, share=share, evidence=finding.evidence)


def _cause(view: View, found: Attribution, findings: Iterable[Finding]) -> Cause:
    if not view.pulls_seen:
        return Cause.UNKNOWN
    if not view.slow:
        return Cause.HEALTHY if view.waits or view.case.series else Cause.UNKNOWN
    best = max(found.claims.values(), key=lambda c: (c.seconds, c.cause), default=None)
    if best is None or best.share < CULPRIT_FROM or best.share < found.unseen_share:
        return Cause.UNKNOWN
    if best.cause is Cause.IMAGE_SIZE and any(f.verdict is Verdict.UNKNOWN for f in findings if f.cause.layer != "image"):
        return Cause.UNKNOWN  # something unseen may have been in the way after all
    return best.cause


def _confidence(view: View, found: Attribution, cause: Cause) -> float:
    """0..1: the culprit's share and its lead over the next, less what was not seen."""
    missing = sum(cost for source, cost in _PENALTY.items() if view.coverage(source) != "ok")
    if cause is Cause.UNKNOWN:
        return 0.0
    if cause is Cause.HEALTHY:
        return round(max(0.0, (0.6 if not view.waits or view.long_for_unknown else 0.95) - missing), 2)
    mine = found.claims[cause].share - found.claims[cause].contested
    lead = max(0.0, mine - max((c.share for c in found.claims.values() if c.cause is not cause), default=0.0))
    return round(max(0.05, min(0.97, 0.55 + 0.25 * mine + 0.2 * lead) - missing), 2)


def _severity(view: View, impact: Impact, cause: Cause) -> Severity:
    if cause is Cause.HEALTHY:
        return Severity.OK
    if not view.slow or impact.p95_seconds is None:
        return Severity.NOTICE
    failed = (impact.failed or 0) / max(1, impact.pulls or 1)
    if impact.p95_seconds >= CRITICAL_FACTOR * view.limits.slow_pull_seconds or failed >= CRITICAL_FAILED_SHARE:
        return Severity.CRITICAL
    return Severity.WARNING if len(view.slow) >= max(WARNING_PULLS, WARNING_SHARE * len(view.waits)) else Severity.NOTICE


def _ranked(view: View, findings: list[Finding], cause: Cause, confidence: float, p95: float | None) -> tuple[Finding, ...]:
    """Culprit first, with its remedies; then what contributed, what is cleared, what could not be seen."""
    named = [_name_culprit(view, f, confidence, p95) if f.cause is cause else f for f in findings]
    return tuple(sorted(named, key=lambda f: (_ORDER.index(f.verdict), -(f.share or 0.0))))


def _name_culprit(view: View, finding: Finding, confidence: float, p95: float | None) -> Finding:
    """The first piece of evidence says that it is the bottleneck, and why; of what contributes it says only why."""
    why, *more = finding.evidence
    named = replace(why, text=bottleneck(view, finding.cause, why.text))
    return replace(finding, verdict=Verdict.CULPRIT, confidence=confidence, evidence=(named, *more), remedies=remedies(view, finding.cause, p95))


def _impact(view: View) -> Impact:
    affected = len({w.node for w in view.slow})
    total = max(view.case.pool.node_count, affected)
    baseline = view.usual_p95_seconds
    if not view.pulls_seen:
        return Impact(nodes_total=total, baseline_p95_seconds=baseline)
    times = sorted(w.end - w.start for w in view.waits)
    return Impact(
        nodes_total=total, pulls=len(times), failed=sum(not w.done for w in view.waits), slow=len(view.slow),
        p50_seconds=percentile_seconds(times, 50), p95_seconds=percentile_seconds(times, 95), baseline_p95_seconds=baseline,
        slowest=_slowest(view.waits, times), nodes_affected=affected, slow_minutes=len({m for minutes in view.slow_minutes.values() for m in minutes}),
    )


def _slowest(found: list[Wait], times: Sequence[float], most: int = 5) -> tuple[SlowPull, ...]:
    """``times``: theirs, in order."""
    among = [w for w in found if w.end - w.start >= times[-most:][0]]
    worst = sorted(among, key=lambda w: (w.start - w.end, w.image, w.node))[:most]
    return tuple(SlowPull(w.image, w.node, round(w.seconds, 1)) for w in worst)


def _chart(view: View, cause: Cause) -> Chart | None:
    """The deciding metric's worst node in every minute."""
    if cause in disk.CAUSES:
        return disk_findings.chart(view, cause)
    if cause is Cause.CPU_UNPACK:
        return Chart(cpu.CPU, "Percent", view.start, 60, view.worst(cpu.CPU), limit=view.limits.cpu_percent, usual=view.usual(cpu.CPU))
    return None
