"""What is usual for a pool, and what must not become so."""

from datetime import UTC, datetime, timedelta

import pytest

from local.accuracy.reader import InProcessAzure
from local.world import build
from local.world.types import World
from shared.diagnose import diagnose
from shared.flow.assess import collect
from shared.model import Cause, Diagnosis, Incident, Severity, Window
from shared.services import Services
from shared.settings import load

SETTINGS = load({"PULLWATCH_BASELINE_HOURS": "6"})


@pytest.fixture(scope="module")
def world() -> World:
    """Six pushes of an image of 3.6 GB within 45 minutes: half a minute a pull, where four seconds are usual."""
    return build("latest-always", 0, datetime(2026, 11, 27, 9, tzinfo=UTC))


def second_half(world: World, incident: Incident | None) -> Diagnosis:
    """A look at the pool when the trouble has gone on for longer than a window."""
    truth, half = world.truths[0], Window(world.window_start + timedelta(minutes=20), world.window_end)
    services = Services(SETTINGS, lambda: world.end, InProcessAzure(world, SETTINGS))
    return diagnose(collect(services, truth.cluster_id, truth.pool, window=half, incident=incident), SETTINGS.thresholds)


def test_trouble_of_which_nobody_knows_becomes_usual(world: World) -> None:
    assert second_half(world, None).cause is Cause.HEALTHY


def test_trouble_that_goes_on_stays_trouble_while_its_incident_is_open(world: World) -> None:
    opened = world.window_start + timedelta(minutes=SETTINGS.window_minutes)
    incident = Incident("i", world.truths[0].cluster_id, world.truths[0].pool, Cause.KUBELET_REPULL, Severity.WARNING, opened, opened)
    found = second_half(world, incident)
    assert found.cause is Cause.KUBELET_REPULL
    assert found.impact.baseline_p95_seconds == pytest.approx(4, abs=1)
