"""The sample receiver takes what Pullwatch really posts, and nothing else."""

import importlib.util
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from shared.model import Bulletin, Severity
from shared.notify import webhook
from shared.settings import Secret

KEY = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0"
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def sample() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "samples" / "receivers" / "webhook_receiver.py"
    spec = importlib.util.spec_from_file_location("webhook_receiver", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("key", "late", "taken"), [(KEY, 0, True), (KEY, 400, False), ("whsec_" + "eHh4" * 10, 0, False)])
def test_a_message_is_taken_if_the_key_is_right_and_it_is_fresh(sample: ModuleType, key: str, late: int, taken: bool) -> None:
    body = webhook.render(Bulletin("b1", "health", NOW, Severity.WARNING, "title", ("line",)))
    headers = {name.lower(): value for name, value in webhook.headers("b1", body, Secret(KEY), NOW).items()}
    assert sample.verified(body, headers, key, (NOW + timedelta(seconds=late)).timestamp()) is taken
    assert not sample.verified(body + b" ", headers, key, NOW.timestamp())
