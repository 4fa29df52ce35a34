"""Fixtures that tests of several folders share."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from local.azurite import Azurite

pytest_plugins = ["tests.log_watch"]

# The same inputs in every run: a run that failed fails again. Look further with --hypothesis-profile=default.
settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """The real storage emulator, one for the whole test run; each test uses names of its own."""
    with Azurite() as running:
        yield running
