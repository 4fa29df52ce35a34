"""Fixtures that tests of several folders share."""

import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

import pytest
from hypothesis import settings

import functions
import local
import shared
from local.azurite import Azurite

pytest_plugins = ["tests.log_watch"]
PATIENCE_SECONDS = 10.0

# The same inputs in every run: a run that failed fails again. Look further with --hypothesis-profile=default.
settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.load_profile("steady")


def pytest_collection_finish() -> None:
    """Hypothesis also draws the constants of those modules of ours that are loaded: they must not hang on what ran before."""
    for package in (functions, local, shared):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)


@pytest.fixture(autouse=True, scope="module")
def no_thread_outlives_its_module() -> Iterator[None]:
    """What one module leaves running fails another, at a moment of chance."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := [one.name for one in threading.enumerate() if one not in before and not one.daemon]:
        assert time.monotonic() < deadline, f"still running: {left}"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """The real storage emulator, one for the whole test run; each test uses names of its own."""
    with Azurite() as running:
        yield running
