"""Fixtures that tests of several folders share."""

from collections.abc import Iterator

import pytest

from local.azurite import Azurite


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """The real storage emulator, one for the whole test run; each test uses names of its own."""
    with Azurite() as running:
        yield running
