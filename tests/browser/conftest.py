"""A real browser, and a report page on disk for it. Without Chromium these tests are skipped, but not in CI."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.pictures.chromium import Tab, chromium, installed

REQUIRED = "PULLWATCH_REQUIRE_BROWSER"


@pytest.fixture(scope="session")
def tab() -> Iterator[Tab]:
    if installed() is None:
        if os.environ.get(REQUIRED):
            pytest.fail(f"{REQUIRED} is set and Chromium is not installed.")
        pytest.skip("Chromium is not installed: the page was not looked at in a browser.")
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for pages: a file is named by what is in it."""
    return tmp_path_factory.mktemp("pages")
