"""The local Azure, and the product's own reader pointed at it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from local.azure import LocalAzure
from local.world.types import World
from shared.collect.azure import Azure, credential
from shared.settings import Settings, load

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


class Read(NamedTuple):
    """A served world, and what reads it."""

    local: LocalAzure
    azure: Azure
    settings: Settings


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Read]]:
    """Serves a world at ``NOW``; settings by their variables' names, options of ``LocalAzure`` by theirs."""
    with ExitStack() as stack:

        def serve(world: World, environ: dict[str, str] | None = None, **options: bool) -> Read:
            local = stack.enter_context(LocalAzure(world, clock=lambda: NOW, metrics_lag_seconds=0, **options))
            for name, value in local.environ.items():
                monkeypatch.setenv(name, value)
            settings = load(local.environ | {"PULLWATCH_METRICS_LAG_SECONDS": "0"} | (environ or {}))
            return Read(local, Azure(settings, credential(settings)), settings)

        yield serve
