"""Who lives when, and which pod lands where: the part of a world that is decided beforehand."""

from random import Random

import msgspec

from local.world.hardware import MB
from local.world.names import LETTERS, Names
from local.world.pulls import Image, Pod
from local.world.scenario import BATCH_BEFORE_START_SECONDS, ScaleOut, Scenario, Steady, Upgrade

MCR = "mcr.microsoft.com"
FOREVER = float("inf")
SERVICES = (
    "orders", "payments", "catalog", "search", "basket", "identity", "notify", "pricing", "stock", "reviews",
    "shipping", "invoices", "ledger", "profile", "media", "gateway", "reports", "audit", "coupons", "returns",
)
SYSTEM = (
    ("ama-logs", "azuremonitor/containerinsights/ciprod", "3.1.{}"),
    ("ama-metrics-node", "azuremonitor/containerinsights/ciprod/prometheus-collector/images", "6.18.{}"),
    ("azure-cns", "containernetworking/azure-cns", "v1.6.{}"),
    ("kube-proxy", "oss/kubernetes/kube-proxy", "v1.33.{}"),
    ("csi-azuredisk-node", "oss/v2/kubernetes-csi/azuredisk-csi", "v1.32.{}"),
)


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """One life of a scale-set instance, in seconds from the world's start."""

    instance: int
    born: float
    gone: float
    version: str

    @property
    def fresh(self) -> bool:
        """Born during the operation: an empty disk with full credits."""
        return self.born > 0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    lives: list[Life]
    pods: list[Pod]
    writes_at: list[float]
    """When the scale set's model was written: what sends an event."""
    ends_at: float
    """When the operation ends (an upgrade succeeds)."""


class Planner:
    """Draws one plan. ``start`` is when the operation starts."""

    def __init__(self, scenario: Scenario, version: str, names: Names, start: float, rng: Random) -> None:
        self.scenario, self.version, self.names, self.registry = scenario, version, names, names.registry
        self.start, self._rng = start, rng
        self.pods: list[Pod] = []
        mix = scenario.images
        self.services = [self._image(self.registry, f"shop/{name}", self._tag(), mix.services_mb) for name in SERVICES]
        self.system = [self._image(MCR, repo, tag.format(4), mix.system_mb) for _, repo, tag in SYSTEM]
        around = (mix.deployment_mb * 0.92, mix.deployment_mb * 1.08)
        self.deployment = self._image(self.registry, "shop/checkout", self._tag(), around)

    def plan(self) -> Plan:
        self._ordinary_hours()
        operation = self.scenario.operation
        if isinstance(operation, Upgrade):
            lives, writes, end = self._upgrade(operation)
        elif isinstance(operation, ScaleOut):
            lives, writes, end = self._scale_out(operation)
        else:
            lives, writes, end = self._steady(operation)
        return Plan(lives=lives, pods=self.pods, writes_at=writes, ends_at=end)

    # --- images ------------------------------------------------------------------------------

    def _tag(self) -> str:
        return f"{self._rng.randint(1, 9)}.{self._rng.randint(0, 40)}.{self._rng.randint(0, 20)}"

    def _image(self, registry: str, repository: str, tag: str, mb: tuple[float, float]) -> Image:
        mix = self.scenario.images
        unpacked = self._rng.uniform(*mb) * MB
        return Image(
            registry=registry, repository=repository, tag=tag, unpacked_bytes=round(unpacked),
            compressed_bytes=round(unpacked * self._rng.uniform(0.33, 0.42)),
            write_operations=round(unpacked / (mix.bytes_per_write * self._rng.uniform(0.9, 1.1))),
            layers=self._rng.randint(*mix.layers),
        )

    # --- pods --------------------------------------------------------------------------------

    def add_pod(
        self, at: float, instance: int, controller: str, images: tuple[Image, ...], kind: str = "ReplicaSet",
        *, spread: float = 0.0, always: bool = False,
    ) -> None:
        """A pod within ``spread`` seconds from ``at``."""
        at += self._rng.uniform(0, spread) if spread else 0.0
        suffix = "".join(self._rng.choices(LETTERS, k=5))
        namespace = "kube-system" if kind == "DaemonSet" else "shop"
        owner = controller if kind == "DaemonSet" else f"{controller}-{self._hash(controller)}"
        self.pods.append(Pod(
            name=f"{owner}-{suffix}", namespace=namespace, controller=owner, controller_kind=kind,
            node=self.names.node(instance), at=at, images=images, always_pull=always or self.scenario.always_pull,
        ))

    def _hash(self, controller: str) -> str:
        return "".join(Random(controller).choices(LETTERS, k=9))

    def _ordinary_hours(self) -> None:
        """New versions of services, one at a time, in the minutes after the half-hourly batch."""
        load, mix = self.scenario.workload, self.scenario.images
        for _ in range(self.scenario.ordinary_pulls):
            at = self._rng.uniform(600, self.start - 900)
            if load.batch_iops:
                at = self._last_batch_before(at) + self._rng.uniform(75, 420)
            name = self._rng.choice(SERVICES)
            image = self._image(self.registry, f"shop/{name}", self._tag(), mix.services_mb)
            self.add_pod(at, self._rng.randrange(self.scenario.nodes), name, (image,))

    def _last_batch_before(self, at: float) -> float:
        cycle = 60 * self.scenario.workload.batch_every_minutes
        first = (self.start - BATCH_BEFORE_START_SECONDS) % cycle
        return first + max(0, (at - first) // cycle) * cycle

    def _system_pods(self, instance: int, at: float, spread: float) -> None:
        for (name, _, _), image in zip(SYSTEM, self.system, strict=True):
            self.add_pod(at, instance, name, (image,), "DaemonSet", spread=spread)

    def _scaled_deployment(self, replicas: int, schedulable: list[int], at: float) -> None:
        """The autoscaler doubles the deployment, step by step; the scheduler spreads it."""
        placed, step = 0, 2
        while placed < replicas:
            for _ in range(min(step, replicas - placed)):
                instance = schedulable[placed % len(schedulable)]
                self.add_pod(at, instance, "checkout", (self.deployment,), spread=14)
                placed += 1
            at, step = at + 15, step * 2

    def _services_on(self, instance: int, many: int, at: float, spread: float) -> None:
        chosen = self._rng.sample(range(len(SERVICES)), many)
        for index in chosen:
            self.add_pod(at, instance, SERVICES[index], (self.services[index],), spread=spread)

    # --- operations --------------------------------------------------------------------------

    def _upgrade(self, upgrade: Upgrade) -> tuple[list[Life], list[float], float]:
        old, start = list(range(self.scenario.nodes)), self.start
        surge = [len(old) + number for number in range(upgrade.surge)]
        surge_born = {number: start + self._rng.uniform(130, 170) for number in surge}
        if upgrade.system_rollout:
            for instance in old:
                self._system_pods(instance, start + self._rng.uniform(25, 60), 60)
        self._scaled_deployment(upgrade.replicas, old, start + self._rng.uniform(20, 40))
        for instance in old:
            self._services_on(instance, upgrade.evicted_per_node, start + 70, 80)
        lives = self._reimages(upgrade, surge)
        end = max(life.born for life in lives) + self._rng.uniform(60, 90)
        lives += [Life(instance=n, born=surge_born[n], gone=end - 30, version=upgrade.target) for n in surge]
        for life in lives:
            if life.fresh:
                self._boot(life)
        return lives, [start + 60, end - 25], end

    def _boot(self, life: Life) -> None:
        """A new node pulls the DaemonSets' images at once, then those of the pods evicted elsewhere."""
        self._system_pods(life.instance, life.born + 20, 30)
        self._services_on(life.instance, 1, life.born + 60, 60)

    def _reimages(self, upgrade: Upgrade, surge: list[int]) -> list[Life]:
        """Both lives of each node: before and after it is reimaged, a batch of ``surge`` at a time."""
        lives = []
        for instance in range(self.scenario.nodes):
            batch = instance // len(surge)
            gone = self.start + 60 * (upgrade.first_reimage_minutes + batch * upgrade.batch_minutes) + self._rng.uniform(0, 25)
            born = gone + self._rng.uniform(120, 170)
            lives.append(Life(instance=instance, born=0, gone=gone, version=self.version))
            lives.append(Life(instance=instance, born=born, gone=FOREVER, version=upgrade.target))
        return lives

    def _steady(self, steady: Steady) -> tuple[list[Life], list[float], float]:
        lives = [Life(instance=n, born=0, gone=FOREVER, version=self.version) for n in range(self.scenario.nodes)]
        return lives, [], self.start + 60 * steady.minutes

    def _scale_out(self, scale: ScaleOut) -> tuple[list[Life], list[float], float]:
        old = self.scenario.nodes
        lives = [Life(instance=n, born=0, gone=FOREVER, version=self.version) for n in range(old)]
        for instance in range(old, old + scale.new_nodes):
            born = self.start + 75 + self._rng.uniform(0, scale.boot_spread_seconds)
            lives.append(Life(instance=instance, born=born, gone=FOREVER, version=self.version))
            self._system_pods(instance, born + 15, 10)
            self._services_on(instance, scale.pods_per_node, born + 20, 10)
        self._scaled_deployment(scale.replicas, list(range(old)), self.start + self._rng.uniform(5, 30))
        return lives, [self.start], self.start + 60 * scale.minutes
