"""The screening: every pool at a glance, an assessment of every suspect.

After the screening itself nothing grows with the fleet: one listing of the states, a write for a pool whose
size changed, a queue message for a suspect. What is over the limits below is left to the next screening.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from msgspec.structs import replace

from shared.azure_ids import id_key
from shared.collect.fleet import Fleet, PoolRef
from shared.collect.screening import Screened, screen
from shared.flow.jobs import title
from shared.flow.wake import ask_for_assessment, on_scale_set
from shared.model import Wake
from shared.services import Services
from shared.units import counted
from shared.watch.state import PoolState
from shared.watch.store import Conflict, Row

log = logging.getLogger("pullwatch")

MOST_ASSESSMENTS = 250
SPACING_SECONDS = 1.0
"""Between the assessments of two suspects. Each costs up to five Log Analytics queries of the 200 in 30 s, and a
Resource Graph query of the 15 in 5 s, that one identity has: two thirds of both stay free for events."""
MOST_CHANGES = 200
"""Pools that grew or shrank; a scale set is asked for its size, a read of Compute's quota each."""
MOST_FIRST_SIGHTS = 500
"""Pools whose size is written down for the first time."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)

type States = Mapping[tuple[str, str], Row[PoolState]]
"""By cluster and pool, both lower-case."""


def sweep(services: Services) -> list[str]:
    """Screens the fleet, asks for an assessment of every suspect, and notices growth that no event told."""
    fleet = services.fleet(fresh=True)
    screened = screen(services.azure, fleet.pools, services.settings, services.clock())
    pools = list(services.store.all_pools())
    states = {(id_key(cluster), row.value.pool.lower()): row for cluster, row in pools}
    _note_sizes(services, fleet, states)
    asked = _ask_about(services, _suspects(fleet, screened, states))
    _ask_about_the_missing(services, fleet, [(cluster, row.value.pool) for cluster, row in pools if row.value.incident])
    _say(fleet, screened, asked)
    return asked


def _key(ref: PoolRef) -> tuple[str, str]:
    return id_key(ref.cluster_id), ref.name.lower()


def _state(ref: PoolRef, states: States) -> PoolState:
    row = states.get(_key(ref))
    return row.value if row else PoolState(pool=ref.name)


def _note_sizes(services: Services, fleet: Fleet, states: States) -> None:
    known = [(ref, _state(ref, states).capacity) for ref in fleet.pools]
    for ref in [ref for ref, capacity in known if capacity is None][:MOST_FIRST_SIGHTS]:
        _write_first_size(services, ref, states)
    for ref in [ref for ref, capacity in known if capacity not in (None, ref.capacity)][:MOST_CHANGES]:
        on_scale_set(services, Wake(kind="scale_set_written", cluster_id=ref.cluster_id, pool=ref.name, vmss_id=ref.vmss_id))


def _write_first_size(services: Services, ref: PoolRef, states: States) -> None:
    row = states.get(_key(ref))
    state = replace(_state(ref, states), capacity=ref.capacity, vmss_id=ref.vmss_id)
    try:
        services.store.put_pool(ref.cluster_id, Row(state, row.etag if row else None))
    except Conflict:
        log.info("%s was written by an event meanwhile", title(ref.cluster_id, ref.name))


def _suspects(fleet: Fleet, screened: Screened, states: States) -> list[PoolRef]:
    """Pools at a limit or with an open incident, longest not assessed first. An open operation is watched anyway."""
    found = [ref for ref in fleet.pools if ref.key in screened.suspects or _state(ref, states).incident]
    found = [ref for ref in found if _state(ref, states).operation is None]
    return sorted(found, key=lambda ref: _state(ref, states).assessed_at or LONG_AGO)


def _ask_about(services: Services, suspects: Iterable[PoolRef]) -> list[str]:
    """The titles of the pools whose assessment was asked for, spread in time so that quotas hold."""
    asked: list[str] = []
    for ref in suspects:
        if len(asked) == MOST_ASSESSMENTS:
            log.warning("more than %d suspects: the others wait for the next screening", MOST_ASSESSMENTS)
            break
        if ask_for_assessment(services, ref.cluster_id, ref.name, "suspect", len(asked) * SPACING_SECONDS):
            asked.append(title(ref.cluster_id, ref.name))
    return asked


def _ask_about_the_missing(services: Services, fleet: Fleet, troubled: Iterable[tuple[str, str]]) -> None:
    """A pool with an open incident that is not in the fleet any more: its assessment finds out whether it is gone."""
    there = {_key(ref) for ref in fleet.pools}
    missing = [(cluster, pool) for cluster, pool in troubled if (id_key(cluster), pool.lower()) not in there]
    for cluster_id, pool in missing[:MOST_ASSESSMENTS]:
        ask_for_assessment(services, cluster_id, pool, "missing")


def _say(fleet: Fleet, screened: Screened, asked: list[str]) -> None:
    log.info("screened %s, %d not seen, %d to assess", counted(len(fleet.pools), "pool"), len(screened.not_seen), len(asked))
    reasons: dict[str, list[str]] = defaultdict(list)
    for ref in fleet.pools:
        if ref.key in screened.not_seen:
            reasons[screened.not_seen[ref.key]].append(title(ref.cluster_id, ref.name))
    for why, pools in reasons.items():
        log.warning("not screened: %s: %s", _some(pools), why)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
