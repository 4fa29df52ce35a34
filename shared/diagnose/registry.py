"""The registry: does it turn requests away, and is it near?

A 429 that the kubelet reports is proof. No 429 clears the registry only where pull failures are visible:
the registry's own log may leave throttled requests out.
Source: "Azure Container Registry service tiers" (request limits, June 2026).
"""

from collections import Counter
from collections.abc import Collection
from statistics import median

from msgspec.structs import replace

from shared.diagnose.distance import is_distant
from shared.diagnose.pressure import Claim, culprit_or_cleared, not_seen
from shared.diagnose.view import View
from shared.images import registry_host
from shared.model import Cause, Evidence, Finding, Registry, Verdict
from shared.units import counted, data_rate, number

LONG_SECONDS = 10
"""Pulls shorter than this say little about the way: most of their time is overhead."""
NAMES = {"docker.io": "Docker Hub", "mcr.microsoft.com": "Microsoft's registry (MCR)"}


def findings(view: View, claims: dict[Cause, Claim]) -> list[Finding]:
    throttled = _throttled(view, claims.get(Cause.REGISTRY_THROTTLED))
    return [replace(throttled, evidence=(*throttled.evidence, *_denied(view))), _distant(view, claims.get(Cause.REGISTRY_DISTANT))]


def throttled_hosts(view: View) -> dict[str, int]:
    """Registry host → attempts that it answered with 429."""
    hosts: dict[str, int] = {}
    for wait in view.waits:
        refused = wait.reasons.count("throttled")
        if refused:
            host = registry_host(wait.image)
            hosts[host] = hosts.get(host, 0) + refused
    return dict(sorted(hosts.items(), key=lambda item: (-item[1], item[0])))


def _throttled(view: View, claim: Claim | None) -> Finding:
    logged = sum(m.throttled for m in view.case.registry_minutes)
    hosts = throttled_hosts(view)
    if claim is None and not hosts and not logged:
        if not view.pulls_seen:
            return not_seen(Cause.REGISTRY_THROTTLED, "pull failures are not visible, and a quiet registry log proves nothing")
        return Finding(Cause.REGISTRY_THROTTLED, Verdict.CLEARED, 0.9, evidence=(Evidence("no 429", value=0, unit="Count"), *_request_rate(view)))
    evidence = (*_refusals(hosts, logged), *_request_rate(view, hosts))
    if claim is None:
        return Finding(Cause.REGISTRY_THROTTLED, Verdict.CONTRIBUTING, 0.5, share=0.0, evidence=evidence)
    return culprit_or_cleared(Cause.REGISTRY_THROTTLED, claim, evidence)


def _refusals(hosts: dict[str, int], logged: int) -> list[Evidence]:
    found = []
    if hosts:
        worst = next(iter(hosts))
        found.append(Evidence(
            f"{NAMES.get(worst, worst)} answered 429 Too Many Requests to {counted(hosts[worst], 'pull attempt')}",
            metric="pulls refused with 429", value=hosts[worst], unit="Count"))
        found += [Evidence(f"{NAMES.get(host, host)} answered 429 to {counted(n, 'pull attempt')}", value=n, unit="Count")
                  for host, n in list(hosts.items())[1:3]]
    if logged:
        found.append(Evidence(f"The registry logged {counted(logged, 'throttled request')}", value=logged, unit="Count"))
    return found


def _denied(view: View) -> list[Evidence]:
    """Attempts that registries did not allow: no slowness, but a pod that never starts. Two registries at most."""
    hosts: Counter[str] = Counter()
    for pull in view.case.pulls:
        if pull.reason == "denied":
            hosts[registry_host(pull.image)] += pull.count
    return [Evidence(f"{NAMES.get(host, host)} denied {counted(n, "attempt")}{_right(view, host)}", metric="pulls denied", value=n, unit="Count")
            for host, n in sorted(hosts.items(), key=lambda item: (-item[1], item[0]))[:2]]


def _right(view: View, host: str) -> str:
    match next((r.attached for r in view.case.registries if r.login_server == host), None):
        case True:
            return ", although the kubelets' identity may pull from it"
        case False:
            cluster = view.case.cluster
            return (f", and the kubelets' identity has no role on it that lets it pull: az aks update --resource-group {cluster.resource_group} "
                    f"--name {cluster.name} --attach-acr {host.partition('.')[0]}")
        case _:
            return ""


def _request_rate(view: View, hosts: Collection[str] = ()) -> list[Evidence]:
    """The busiest minute in the log of any registry (of ``hosts``, if given) against its published limit for one identity."""
    minutes = [m for m in view.case.registry_minutes if not hosts or m.login_server in hosts]
    if not minutes:
        return []
    busiest = max(minutes, key=lambda m: (m.requests, m.at, m.login_server))
    limit = next((r.identity_requests_per_minute for r in view.case.registries if r.login_server == busiest.login_server), None)
    against = f" of the {number(limit)} that one identity may make" if limit else ""
    return [Evidence(f"{busiest.login_server} logged up to {counted(busiest.requests, 'request')} a minute{against}; not every request is logged",
                     metric="logged requests", value=busiest.requests, unit="CountPerMinute", limit=limit, at=busiest.at)]


def _distant(view: View, claim: Claim | None) -> Finding:
    ours = [r for r in view.case.registries if r.location]
    if not ours:
        return not_seen(Cause.REGISTRY_DISTANT, "where the registry stands is not known")
    far = [r for r in ours if is_distant(view.case, f"{r.login_server}/x")]
    if not far:
        return Finding(Cause.REGISTRY_DISTANT, Verdict.CLEARED, 0.95, evidence=(Evidence("same region"),))
    if claim is None and view.slow and view.notes["unseen_share"]:
        return not_seen(Cause.REGISTRY_DISTANT, f"{_how_far(view, far[0])}; what that cost is not visible")
    return culprit_or_cleared(Cause.REGISTRY_DISTANT, claim, (Evidence(_how_far(view, far[0])), *_rate(view, far[0])))


def _how_far(view: View, registry: Registry) -> str:
    others = {*registry.replicas} - {registry.location}
    where = f"{registry.location} and {counted(len(others), 'other region')}" if others else registry.location
    return f"{registry.login_server} stands in {where}, the cluster in {view.case.cluster.location}"


def _rate(view: View, registry: Registry) -> list[Evidence]:
    """How fast images came from there: the median of the pulls that took long enough to tell."""
    rates = [pull.size_bytes / pull.seconds for pull in view.case.pulls
             if pull.seconds and pull.seconds >= LONG_SECONDS and pull.size_bytes and registry_host(pull.image) == registry.login_server]
    if not rates:
        return []
    rate = median(rates)
    text = f"Half of its pulls of {LONG_SECONDS} s and more came at {data_rate(rate)} or less"
    return [Evidence(text, metric="pull rate", value=round(rate), unit="BytesPerSecond")]
