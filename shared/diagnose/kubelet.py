"""The kubelet: its queue of pulls, its own rate limit, and images fetched again and again.

AKS nodes pull one image at a time before Kubernetes 1.31 and all at once from it on; ``registryPullQPS``
is 5 with a burst of 10. Sources: AKS release notes of 2024-10-06, "Container image pull performance".
"""

from math import fsum

from shared.diagnose.pressure import Claim, culprit_or_cleared, not_seen
from shared.diagnose.view import View
from shared.model import Cause, Evidence, Finding, Verdict
from shared.units import counted, duration, number


def findings(view: View, claims: dict[Cause, Claim]) -> list[Finding]:
    return [_serial(view, claims.get(Cause.KUBELET_SERIAL)), _qps(view, claims.get(Cause.KUBELET_QPS)),
            _repull(view, claims.get(Cause.KUBELET_REPULL))]


def _serial(view: View, claim: Claim | None) -> Finding:
    mode = view.case.pool.pull_mode
    if not view.pulls_seen:
        return not_seen(Cause.KUBELET_SERIAL, "waiting in the kubelet's queue is not visible")
    queued = fsum(w.queued_seconds for w in view.waits)
    if claim:
        return culprit_or_cleared(Cause.KUBELET_SERIAL, claim, (_queue(view),))
    says = mode == "parallel" or any(p.waiting_seconds is not None for p in view.case.pulls)
    if not says:
        return not_seen(Cause.KUBELET_SERIAL, f"kubelet {view.case.pool.kubernetes_version} does not tell waiting from pulling")
    text = "parallel pulls" if mode == "parallel" else f"pulls waited {duration(queued)} in all"
    return Finding(Cause.KUBELET_SERIAL, Verdict.CLEARED, 0.9, evidence=(Evidence(text, value=queued, unit="Seconds"),))


def _queue(view: View) -> Evidence:
    """How many pulls stood in the queue, and the longest of them."""
    queued = [w.queued_seconds for w in view.waits if w.queued_seconds >= 1]
    longest = max(queued, default=0.0)
    why = "" if view.case.pool.pull_mode == "serial" else (
        f", although Kubernetes {view.case.pool.kubernetes_version} pulls in parallel unless that is switched off or node auto-provisioning made the nodes")
    text = f"{number(len(queued))} of {counted(len(view.waits), 'pull')} stood in its queue, for up to {duration(longest)}, one image at a time{why}"
    return Evidence(text, metric="wait in the kubelet's queue", value=round(longest, 1), unit="Seconds")


def _qps(view: View, claim: Claim | None) -> Finding:
    if not view.pulls_seen:
        return not_seen(Cause.KUBELET_QPS, "pull failures are not visible")
    refused = sum(w.reasons.count("kubelet_qps") for w in view.waits)
    if not refused:
        return Finding(Cause.KUBELET_QPS, Verdict.CLEARED, 0.9, evidence=(Evidence("no pull QPS error", value=0, unit="Count"),))
    text = f"it refused {counted(refused, 'attempt')} (“pull QPS exceeded”: 5 a second, burst 10)"
    evidence = (Evidence(text, value=refused, unit="Count", limit=5),)
    if claim is None:
        return Finding(Cause.KUBELET_QPS, Verdict.CONTRIBUTING, 0.5, share=0.0, evidence=evidence)
    return culprit_or_cleared(Cause.KUBELET_QPS, claim, evidence)


def _repull(view: View, claim: Claim | None) -> Finding:
    if not view.pulls_seen:
        return not_seen(Cause.KUBELET_REPULL, "pulls are not visible")
    if not view.repeats:
        return Finding(Cause.KUBELET_REPULL, Verdict.CLEARED, 0.8, evidence=(Evidence("no image pulled over and over"),))
    (node, image), often = max(view.repeats.items(), key=lambda item: (item[1], item[0]))
    text = f"{image} was fetched {counted(often + 1, 'time')} on one node (imagePullPolicy Always, or deleted in between)"
    evidence = (Evidence(text, value=often + 1, unit="Count", node=node),)
    if claim is None:
        return Finding(Cause.KUBELET_REPULL, Verdict.CONTRIBUTING, 0.5, share=0.0, evidence=evidence)
    return culprit_or_cleared(Cause.KUBELET_REPULL, claim, evidence)
