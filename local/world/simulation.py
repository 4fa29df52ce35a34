"""The calendar: pods arrive, kubelets pull, registries refuse, transfers end.

Nodes only meet at the registry. Each action takes the time it happens at; a node is moved on to
that time before anything about it is read or changed.
"""

import heapq
from collections.abc import Callable, Iterable
from itertools import count
from random import Random
from typing import Any

from local.world.egress import DIAL_TIMEOUT_SECONDS, Egress
from local.world.node import Node, Transfer
from local.world.pulls import Attempt, Pod, Pull
from local.world.registry import JOIN_REQUESTS, Registry

BACK_OFF_SECONDS = (10, 20, 40, 80, 160, 300)
"""Kubelet back-off per pod and image; the last one repeats."""
QPS, QPS_BURST = 5.0, 10.0
"""``registryPullQPS`` and ``registryBurst`` as AKS leaves them."""
CAUSES = {"429": "registry.throttled", "qps": "kubelet.qps", "timeout": "network.snat"}
"""Of failed attempts."""

type Action = Callable[..., None]


class Simulation:
    """Runs ``pods`` on ``nodes`` against ``registries`` until ``end`` (seconds from the world's start)."""

    def __init__(
        self, *, nodes: list[Node], pods: Iterable[Pod], lives: dict[str, list[Node]],
        registries: dict[str, Registry], egress: Egress, image_gc_at: Iterable[float] = (), watch_from: float, end: float, rng: Random,
    ) -> None:
        self.nodes, self.registries, self.end = nodes, registries, end
        self.pulls: list[Pull] = []
        self.answers: list[tuple[float, Pull, int]] = []
        """What each registry answered: when, to which pull, 200 or 429."""
        self._lives, self._egress = lives, egress
        self._rng = rng
        self._tickets = {id(node): (QPS_BURST, node.born) for node in nodes}
        self._calendar: list[tuple[float, int, Action, tuple[Any, ...]]] = []
        self._order = count()
        for pod in pods:
            self._at(pod.at, self._pod_arrives, pod)
        for node in nodes:
            self._at(max(watch_from, node.born), self._watch, node)
            if node.gone < end:
                self._at(node.gone, self._remove, node)
        for at in image_gc_at:
            self._at(at, self._collect_images)

    def run(self) -> None:
        while self._calendar and self._calendar[0][0] <= self.end:
            at, _, action, arguments = heapq.heappop(self._calendar)
            action(at, *arguments)
        for node in self.nodes:
            if node.alive:
                node.advance(self.end)
        for pull in self.pulls:
            pull.last_seen_at = pull.last_seen_at or self.end
            if pull.finished_at is None:
                _book_failure(pull, pull.last_seen_at)

    def _at(self, at: float, action: Action, *arguments: Any) -> None:
        heapq.heappush(self._calendar, (at, next(self._order), action, arguments))

    # --- nodes -----------------------------------------------------------------------------

    def _watch(self, at: float, node: Node) -> None:
        node.advance(at)
        node.watch()

    def _remove(self, at: float, node: Node) -> None:
        """Reimaged or deleted: what it was pulling is lost with it."""
        node.advance(at)
        node.alive = False
        abandoned = [pull for transfer in node.transfers for pull in transfer.pulls]
        for pull in [*abandoned, *node.waiting]:
            pull.last_seen_at = at

    def _collect_images(self, _: float) -> None:
        for node in self.nodes:
            node.collect_images()

    def _settle_egress(self, at: float) -> None:
        """Transfers began or ended: what the firewall has for each changes on every node."""
        if not self._egress.firewalled:
            return
        busy = [node for node in self.nodes if node.alive and node.transfers]
        if self._egress.settle(busy):
            for node in busy:
                node.advance(at)
                node.egress_level = self._egress.level
                node.reshare()
                self._wake_later(node)

    def _wake_later(self, node: Node) -> None:
        if node.transfers:
            node.next_wake = node.next_change()
            self._at(node.next_wake, self._wake, node)

    def _wake(self, at: float, node: Node) -> None:
        if not node.alive or at != node.next_wake:
            return
        node.advance(at)
        done = node.finished()
        for transfer in done:
            for pull in transfer.pulls:
                self._succeed(at, pull, node)
        self._wake_later(node)
        if done:
            self._settle_egress(at)

    # --- the kubelet -----------------------------------------------------------------------

    def _pod_arrives(self, at: float, pod: Pod) -> None:
        self._next_container(at, pod, 0)

    def _next_container(self, at: float, pod: Pod, index: int) -> None:
        """Containers of one pod never pull at the same time."""
        node = self._node(pod, at)
        if node is None or index == len(pod.images):
            return
        image = pod.images[index]
        pull = Pull(pod, image, at)
        self.pulls.append(pull)
        if image.reference in node.images and not pod.always_pull:
            pull.present = True
            pull.finished_at = at
            self._at(at + 0.2, self._next_container, pod, index + 1)
        else:
            self._attempt(at, pull, node)

    def _node(self, pod: Pod, at: float) -> Node | None:
        """The life of the pod's node at that time; None while it is away."""
        return next((n for n in self._lives[pod.node] if n.born <= at < n.gone), None)

    def _attempt(self, at: float, pull: Pull, node: Node) -> None:
        node.advance(at)
        pull.attempts.append(Attempt(at))
        if node.serial and (node.running or node.waiting):
            node.waiting.append(pull)
        else:
            self._start(at, pull, node)

    def _start(self, at: float, pull: Pull, node: Node) -> None:
        pull.attempts[-1].started_at = at
        node.running += 1
        pull.again = pull.image.reference in node.fetched and (pull.pod.always_pull or pull.image.reference not in node.images)
        if self._within_qps(at, node):
            greeting = self.registries[pull.image.registry].greeting_seconds
            pull.lose("registry.distant", greeting)
            self._at(at + self._rng.uniform(0.4, 1.2) + greeting, self._ask_registry, pull, node)
        else:
            self._at(at, self._fail, pull, node, "qps")

    def _within_qps(self, at: float, node: Node) -> bool:
        tickets, since = self._tickets[id(node)]
        tickets = min(QPS_BURST, tickets + (at - since) * QPS)
        self._tickets[id(node)] = (tickets - 1 if tickets >= 1 else tickets, at)
        return tickets >= 1

    def _ask_registry(self, at: float, pull: Pull, node: Node) -> None:
        if not node.alive:
            return
        node.advance(at)
        if not self._egress.connects(at, node.instance, self._rng):
            node.dialing += 1
            self._at(at + DIAL_TIMEOUT_SECONDS, self._fail, pull, node, "timeout")
            return
        registry = self.registries[pull.image.registry]
        under_way = next((t for t in node.transfers if t.image == pull.image), None)
        known = under_way is not None or node.images.get(pull.image.reference) == pull.image
        admitted = registry.admits(at, JOIN_REQUESTS if known else pull.image.requests, self._rng)
        self.answers.append((at, pull, 200 if admitted else 429))
        if not admitted:
            self._at(at + self._rng.uniform(0.1, 0.6), self._fail, pull, node, "429")
        elif under_way is not None:
            under_way.pulls.append(pull)
        elif known:
            pull.lose("kubelet.repull", at - (pull.attempts[-1].started_at or at) if pull.again else 0.0)
            self._at(at + self._rng.uniform(0.1, 0.4), self._succeed, pull, node)
        else:
            self._transfer(at, pull, node, registry)

    def _transfer(self, at: float, pull: Pull, node: Node, registry: Registry) -> None:
        image, needs = pull.image, pull.image.needs
        download = image.compressed_bytes / registry.bytes_per_second(image.layers)
        node.egress_level = self._egress.level
        node.add(Transfer(
            needs=needs, image=image, pulls=[pull],
            fastest=1 / max(needs["cpu"], download), unhindered=1 / image.unhindered_seconds,
            own_limit="cpu.unpack" if needs["cpu"] >= download else "registry.distant",
        ))
        self._wake_later(node)
        self._settle_egress(at)

    def _succeed(self, at: float, pull: Pull, node: Node) -> None:
        if not node.alive:
            return
        pull.attempts[-1].ended_at = pull.finished_at = at
        if pull.pod.controller_kind != "Job":
            node.in_use.add(pull.image.reference)
        self._free(at, node)
        self._at(at + 0.3, self._next_container, pull.pod, pull.pod.images.index(pull.image) + 1)

    def _fail(self, at: float, pull: Pull, node: Node, error: str) -> None:
        if not node.alive:
            return
        pull.attempts[-1].ended_at = at
        pull.attempts[-1].error = error
        node.advance(at)
        node.dialing -= error == "timeout"
        self._free(at, node)
        failures = len(pull.attempts)
        back_off = BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS)) - 1]
        self._at(at + back_off + self._rng.uniform(0, 4), self._retry, pull, node)

    def _retry(self, at: float, pull: Pull, node: Node) -> None:
        if not node.alive:
            return
        _book_failure(pull, at)
        self._attempt(at, pull, node)

    def _free(self, at: float, node: Node) -> None:
        """A place in the kubelet's queue is free."""
        node.running -= 1
        if node.waiting and not (node.serial and node.running):
            self._start(at, node.waiting.popleft(), node)


def _book_failure(pull: Pull, until: float) -> None:
    """Books the last attempt, if it failed, and the back-off since."""
    attempt = pull.attempts[-1]
    if attempt.error:
        pull.lose(CAUSES[attempt.error], until - (attempt.started_at or attempt.asked_at))
