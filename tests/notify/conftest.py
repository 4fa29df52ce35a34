"""Real HTTPS receivers on loopback, and the settings that lead there."""

from collections.abc import Iterator

import pytest
import trustme

from local.receivers import Receivers
from shared.settings import Settings, load


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def chats(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receivers]:
    with Receivers(authority) as receivers:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(receivers.ca_file))
        yield receivers


@pytest.fixture
def settings(chats: Receivers) -> Settings:
    return load(chats.environment)
