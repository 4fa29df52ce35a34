"""Mutes and quiet hours: when nobody wants to be told. They hold back; what is still open afterwards is told.

Only an end makes a mute: a time, or the end of the daily hours. Hours are in a fixed offset from UTC, so that
nothing here depends on a time-zone database or jumps with daylight saving.
"""

from collections.abc import Iterable
from datetime import datetime, time, timedelta, timezone
from fnmatch import fnmatchcase
from typing import Annotated

from msgspec import Meta

from shared.azure_ids import id_key, segment
from shared.model import Cause, Value

type Globs = tuple[str, ...]

LONGEST_CHAIN = 32
"""Mutes that follow one another without a gap: more of them are looked at again when they end."""


class Mute(Value, frozen=True, forbid_unknown_fields=True):
    """One entry of ``PULLWATCH_MUTES``."""

    clusters: Globs = ("*",)
    """Names or resource ids, ``*`` and ``?`` stand for any text and any character."""
    pools: Globs = ("*",)
    causes: Globs = ("*",)
    """``disk.*``, ``registry.throttled``, …"""
    until: Annotated[datetime, Meta(tz=True)] | None = None
    daily: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")] = ""
    """``22:00-06:00``; may go over midnight."""
    utc_offset: Annotated[str, Meta(pattern=r"^[+-](0\d|1[0-4]):[0-5]\d$")] = "+00:00"
    """Of the daily hours."""
    reason: str = ""
    """For whoever reads the settings."""


def problem_of(mute: Mute) -> str:
    """What is wrong with a mute beyond its types; empty if nothing is."""
    if (mute.until is None) == (not mute.daily):
        return "give either until (a time) or daily (hours), so that it has an end"
    start, end = mute.daily.split("-") if mute.daily else ("", "x")
    return "daily hours of no length mute nothing; 00:00-23:59 is nearly all day" if start == end else ""


def muted_until(mutes: Iterable[Mute], cluster_id: str, pool: str, cause: Cause, now: datetime) -> datetime | None:
    """When this may be told; None: at once. Mutes that follow one another count as one."""
    matching = [m for m in mutes if matches(m.clusters, m.pools, m.causes, cluster_id, pool, cause)]
    at = now
    for _ in range(LONGEST_CHAIN):
        end = max((end for m in matching if (end := _end(m, at))), default=None)
        if end is None:
            break
        at = end
    return at if at > now else None


def matches(clusters: Globs, pools: Globs, causes: Globs, cluster_id: str, pool: str, cause: Cause) -> bool:
    """Whether globs over cluster, pool and cause meet these; names and ids whatever their case."""
    names = (segment(cluster_id, "managedClusters").lower(), id_key(cluster_id))
    return (
        any(fnmatchcase(name, id_key(glob)) for name in names for glob in clusters)
        and any(fnmatchcase(pool.lower(), glob.lower()) for glob in pools)
        and any(fnmatchcase(cause.value, glob.lower()) for glob in causes)
    )


def _end(mute: Mute, at: datetime) -> datetime | None:
    """The end of the mute if it is in force at ``at``."""
    if mute.until is not None:
        return mute.until if at < mute.until else None
    zone = _zone(mute.utc_offset)
    start, end = (time.fromisoformat(text) for text in mute.daily.split("-"))
    local = at.astimezone(zone)
    for day in (local.date() - timedelta(days=1), local.date()):
        begins = datetime.combine(day, start, zone)
        ends = datetime.combine(day if start < end else day + timedelta(days=1), end, zone)
        if begins <= local < ends:
            return ends.astimezone(at.tzinfo)
    return None


def _zone(offset: str) -> timezone:
    hours, minutes = offset[1:].split(":")
    span = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-span if offset[0] == "-" else span)
