"""Where the slow pulls' time went: every second of every slow pull is given to what held it up.

* at work: to the limit that was used up on the node in that minute;
* in the kubelet's queue: to what held up the pulls ahead, else to the queue itself;
* backing off: to the reason of the failures.

Of a pull from a distant registry as much as pulls usually take here is the distance's, whatever else is full.
What is left was held up by nothing that was measured: it is the image's own size, or the way to a
distant registry. Minutes without measurements are ``unseen`` and blame nobody.
"""

from collections import defaultdict
from collections.abc import Iterable
from math import fsum
from typing import NamedTuple

from shared.diagnose import cpu, disk, network
from shared.diagnose.pressure import Claim, Pressures
from shared.diagnose.view import AGAIN, FROM_AFAR, HARD_TO_UNPACK, QUEUED, WORKING, View
from shared.model import Cause

BACK_OFF = {"throttled": Cause.REGISTRY_THROTTLED, "kubelet_qps": Cause.KUBELET_QPS}


class Attribution(NamedTuple):
    claims: dict[Cause, Claim]
    unseen_share: float
    """Part of the slow time about which nothing was measured."""


class _Tally:
    """Seconds of one cause, and where they fell."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.contested: list[float] = []
        """Those of them in which a registry's distance may have been it as well."""
        self.nodes: set[str] = set()
        self.minutes: set[int] = set()

    def add(self, node: str, minute: int, seconds: float) -> None:
        self.seconds.append(seconds)
        self.nodes.add(node)
        self.minutes.add(minute)


def attribute(view: View) -> Attribution:
    """Claims by cause; their shares and ``unseen_share`` add up to 1 if anything was slow."""
    tallies: dict[Cause, _Tally] = defaultdict(_Tally)
    for node in view.states:
        _count(view, node, tallies)
    total = fsum(s for tally in tallies.values() for s in tally.seconds)
    if not total:
        return Attribution({}, 0.0)
    unseen = fsum(tallies.pop(Cause.UNKNOWN, _Tally()).seconds)
    return Attribution({cause: _claim(cause, tally, total) for cause, tally in tallies.items()}, unseen / total)


def _count(view: View, node: str, tallies: dict[Cause, _Tally]) -> None:
    """Gives the slow seconds of one node to what held them up."""
    held = held_up(view, node)
    for state, row in view.states[node].items():
        for minute, seconds in enumerate(row):
            if not seconds:
                continue
            tally = tallies[_cause(view, node, minute, state, held.get(minute))]
            if state == FROM_AFAR and minute in held:
                usual = view.as_usual_from_afar[node][minute]
                tallies[Cause.REGISTRY_DISTANT].add(node, minute, usual)
                tally.add(node, minute, seconds - usual)
                tally.contested.append(seconds - usual)
            else:
                tally.add(node, minute, seconds)


def _claim(cause: Cause, tally: _Tally, total: float) -> Claim:
    seconds = fsum(tally.seconds)
    return Claim(cause, seconds, seconds / total, tuple(sorted(tally.nodes)), len(tally.minutes), fsum(tally.contested) / total)


def held_up(view: View, node: str) -> Pressures:
    """Minute → what held the node up most, among all layers."""
    minutes = view.slow_minutes.get(node, [])
    found = dict(disk.pressures(view, node)) if minutes else {}
    for layer in (network.pressures, cpu.pressures):
        for minute, pressure in layer(view, node, minutes).items():
            if minute not in found or pressure.used > found[minute].used:
                found[minute] = pressure
    return found


def _cause(view: View, node: str, minute: int, state: str, held: tuple[Cause, float] | None) -> Cause:
    if state == QUEUED:
        return held[0] if held else _behind(view, node, minute)
    if state in WORKING:
        return held[0] if held else _at_work(view, node, minute, state)
    return network.of_timeouts(view) if state == "timeout" else BACK_OFF.get(state, Cause.UNKNOWN)


def _behind(view: View, node: str, minute: int) -> Cause:
    """Nothing held the node up: the queue itself did, or the pulls ahead that need not have been."""
    again = view.states[node].get(AGAIN)
    return Cause.KUBELET_REPULL if again and again[minute] > view.pulling[node][minute] / 2 else Cause.KUBELET_SERIAL


def _at_work(view: View, node: str, minute: int, state: str) -> Cause:
    if state == AGAIN:
        return Cause.KUBELET_REPULL  # the pulls themselves show it
    if not measured(view, node, minute):
        return Cause.UNKNOWN
    if minute in network.egress(view).snat_minutes:
        return Cause.NETWORK_SNAT
    if state == HARD_TO_UNPACK and cpu.one_core_full(view, node, minute):
        return Cause.CPU_UNPACK
    return Cause.REGISTRY_DISTANT if state == FROM_AFAR else Cause.IMAGE_SIZE


def measured(view: View, node: str, minute: int) -> bool:
    """Whether both the disk and the CPU of this node were measured in this minute."""
    return _known(view, (cpu.CPU,), node, minute) and _known(view, disk.ANY_SIGN, node, minute)


def _known(view: View, metrics: Iterable[str], node: str, minute: int) -> bool:
    return any((column := view.column(m, node)) and column[minute] is not None for m in metrics)
