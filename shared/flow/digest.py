"""The weekly summary: what went wrong, what it cost, and what would have helped. Written, then sent, as all messages are."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from shared import units
from shared.azure_ids import segment
from shared.flow import outgoing
from shared.model import Bulletin, Delivery, Severity
from shared.report.layers import CAUSE_NAMES
from shared.services import Services
from shared.watch.state import Past
from shared.watch.store import OURS, Conflict, Row

log = logging.getLogger("pullwatch")

WEEK = timedelta(days=7)
LISTED = 5
"""Pools, images and remedies that are named; of the others the number is told."""


def digest(services: Services) -> str:
    """Tells all receivers about the last week; the id of what is told, once a calendar week however often it runs."""
    now = services.clock()
    parked = [row.value for row in services.store.deliveries() if row.value.status == "parked" and row.value.updated_at > now - WEEK]
    bulletin = summary(services.store.past(now - WEEK), parked, now)
    outgoing.save_content(services, bulletin)
    for receiver in services.settings.receivers:
        delivery = outgoing.delivery_of(bulletin.id, receiver, OURS, now)
        try:
            services.store.put_delivery(Row(delivery, None))
        except Conflict:
            log.info("%s has been sent the digest %s before", receiver, bulletin.id)
            continue
        outgoing.enqueue(services, delivery)
    return bulletin.id


def summary(past: Sequence[Past], parked: Sequence[Delivery], now: datetime) -> Bulletin:
    """The digest of a week. Pure."""
    year, week, _ = now.isocalendar()
    incidents = [one for one in past if one.incidents]
    lines = [_overview(past, incidents), *_pools(incidents), *_images(incidents), *_remedies(incidents)]
    if parked:
        lines.append(f"Not delivered: {units.counted(len(parked), 'message')} (pullwatch.py deliveries --parked)")
    title = f"Image pulls in the week to {now:%Y-%m-%d}: {units.counted(len(incidents), 'incident')}"
    severity = Severity.NOTICE if incidents or parked else Severity.OK
    return Bulletin(f"digest-{year}-W{week:02d}", "digest", now, severity, title, tuple(line for line in lines if line))


def _overview(past: Sequence[Past], incidents: Sequence[Past]) -> str:
    upgrades = sum(one.kind == "upgrade" for one in past)
    seconds = sum(one.seconds or 0.0 for one in incidents)
    causes = ", ".join(f"{CAUSE_NAMES[cause]} {count} ×" for cause, count in Counter(one.cause for one in incidents).most_common(LISTED))
    told = f"{units.counted(upgrades, 'upgrade')}; incidents were open for {units.duration(seconds)} in all" if incidents else (
        f"{units.counted(upgrades, 'upgrade')}; no incident")
    return f"{told} ({causes})" if causes else told


def _pools(incidents: Iterable[Past]) -> list[str]:
    """The slowest pools, by the worst p95 each had."""
    worst: dict[tuple[str, str], Past] = {}
    for one in incidents:
        key = (one.cluster_id.lower(), one.pool.lower())
        if one.p95_seconds is not None and (key not in worst or one.p95_seconds > (worst[key].p95_seconds or 0)):
            worst[key] = one
    slowest = sorted(worst.values(), key=lambda one: -(one.p95_seconds or 0))
    lines = [f"Slow: {_where(one)}, p95 {units.duration(one.p95_seconds)}, {CAUSE_NAMES[one.cause]}" for one in slowest[:LISTED]]
    return lines + _more(len(slowest), "slow pool")


def _images(incidents: Iterable[Past]) -> list[str]:
    longest: dict[str, float] = {}
    for image, seconds in (pull for one in incidents for pull in one.slowest):
        longest[image] = max(seconds, longest.get(image, 0.0))
    ranked = sorted(longest.items(), key=lambda pair: -pair[1])
    return [f"Slowest image: {image}, {units.duration(seconds)}" for image, seconds in ranked[:LISTED]] + _more(len(ranked), "slow image")


def _remedies(incidents: Iterable[Past]) -> list[str]:
    """What the best remedy of each incident would have made of its p95, the largest gain first."""
    helped = [(one, one.p95_seconds, one.remedy_p95_seconds) for one in incidents]
    known = [(one, was, then) for one, was, then in helped if one.remedy and was is not None and then is not None and then < was]
    best: dict[tuple[str, str, str], str] = {}
    for one, was, then in sorted(known, key=lambda row: row[2] - row[1]):
        text = f"Would have helped: {one.remedy} on {_where(one)}, p95 {units.duration(then)} instead of {units.duration(was)}"
        best.setdefault((one.cluster_id.lower(), one.pool.lower(), one.remedy), text)
    return [*list(best.values())[:LISTED], *_more(len(best), "remedy", "remedies")]


def _where(one: Past) -> str:
    return f"{segment(one.cluster_id, 'managedClusters')} / {one.pool}"


def _more(count: int, noun: str, nouns: str = "") -> list[str]:
    hidden = count - LISTED
    return [f"+ {hidden} more {noun if hidden == 1 else nouns or noun + 's'}"] if hidden > 0 else []
