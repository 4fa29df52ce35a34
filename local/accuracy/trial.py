"""One world, asked and answered: what the model knows, what the product says, what static rules would say."""

import time
from datetime import datetime
from typing import Literal
from unittest import mock

import msgspec

from local.accuracy.forecasts import Forecast, forecasts
from local.accuracy.reader import METRICS_LAG_SECONDS, InProcessAzure
from local.accuracy.rules import RULES, blames_disk
from local.azure import LocalAzure
from local.world import build
from local.world.types import Truth, World
from shared.collect.azure import Azure, credential
from shared.collect.case import Question, collect_case
from shared.collect.fleet import read_fleet
from shared.diagnose import diagnose
from shared.model import Case, Cause, Diagnosis, Verdict, Window, encode
from shared.settings import load

type Way = Literal["sdk", "in-process"]
LOST_NOTICEABLY = 0.10
"""Part of the slow pulls' lost time from which clearing its cause is false."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    scenario: str
    seed: int
    way: Way
    """How the evidence was read: by the Azure SDKs over TLS, or in process."""
    same_case: bool | None
    """Whether both ways gave the same Case; None: only one was gone."""
    truth: Truth
    said: str
    confidence: float
    severity: str
    falsely_cleared: tuple[str, ...]
    rules: tuple[bool, ...]
    """Whether each of ``rules.RULES`` fired."""
    forecasts: tuple[Forecast, ...]
    seconds: float

    @property
    def right(self) -> bool:
        return self.said == self.truth.cause


def run(scenario: str, seed: int, end: datetime, way: Way) -> list[Trial]:
    """One trial for each pool of the world with a known truth."""
    began = time.monotonic()
    world = build(scenario, seed, end)
    trials = []
    for truth in world.truths:
        case = read_by_sdk(world, truth) if way == "sdk" else read_in_process(world, truth)
        same = encode(case) == encode(read_in_process(world, truth)) if way == "sdk" else None
        trials.append(_trial(world, truth, case, way, same, began))
    return trials


def read_by_sdk(world: World, truth: Truth) -> Case:
    """The Case as the deployed product would read it: official SDKs, tokens, TLS."""
    with LocalAzure(world, clock=lambda: world.end, metrics_lag_seconds=METRICS_LAG_SECONDS) as azure, mock.patch.dict("os.environ", azure.environ):
        settings = load(azure.environ)
        client = Azure(settings, credential(settings))
        return collect_case(client, read_fleet(client), question(world, truth))


def read_in_process(world: World, truth: Truth) -> Case:
    """The same Case without SDKs, by ``reader``."""
    azure = InProcessAzure(world, load({}))
    try:
        return collect_case(azure, read_fleet(azure), question(world, truth))
    finally:
        azure.close()


def question(world: World, truth: Truth) -> Question:
    """What the final assessment of an operation asks: its window, at the end, against the hours before."""
    history_hours = (world.window_start - world.history_start).total_seconds() / 3600
    return Question(truth.cluster_id, truth.pool, Window(world.window_start, world.window_end), history_hours, world.end)


def _trial(world: World, truth: Truth, case: Case, way: Way, same: bool | None, began: float) -> Trial:
    found = diagnose(case, load({}).thresholds)
    watched = [case.pool.vmss_id] if case.pool.vmss_id else [r["id"] for r in world.resources if r["type"] == "microsoft.compute/virtualmachines"]
    return Trial(
        scenario=world.scenario, seed=world.seed, way=way, same_case=same, truth=truth, said=found.cause.value,
        confidence=found.confidence, severity=found.severity.value, falsely_cleared=_falsely_cleared(found, truth),
        rules=tuple(blames_disk(rule, world, watched) for rule in RULES),
        forecasts=forecasts(world, found), seconds=round(time.monotonic() - began, 2),
    )


def _falsely_cleared(found: Diagnosis, truth: Truth) -> tuple[str, ...]:
    """Causes that the product clears although they cost slow pulls a noticeable part of their lost time."""
    if truth.cause in (Cause.HEALTHY, Cause.IMAGE_SIZE):
        return ()  # hardly any time was lost: parts of it mean nothing
    lost = sum(truth.lost_seconds.values())
    cleared = {f.cause.value for f in found.findings if f.verdict is Verdict.CLEARED}
    return tuple(cause for cause, seconds in truth.lost_seconds.items() if cause in cleared and seconds >= LOST_NOTICEABLY * lost)
