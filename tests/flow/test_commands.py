"""The terminal's commands about deliveries, on the real storage emulator; and the digest's timer."""

import importlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

import pullwatch
from functions import notices
from local.azurite import Azurite
from local.receivers import Answer, Receivers
from shared.flow.outgoing import delivery_of, save_content
from shared.model import encode
from shared.services import Services
from shared.settings import Settings, load
from shared.watch.store import OURS, Row
from tests.report import groups


@pytest.fixture
def storage() -> Iterator[Azurite]:
    with Azurite() as running:
        yield running


@pytest.fixture
def services(storage: Azurite, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Services, Receivers]]:
    with Receivers() as chats:
        for name, value in (chats.environment | {"AzureWebJobsStorage": storage.connection_string}).items():
            monkeypatch.setenv(name, value)
        yield Services(load({**chats.environment, "AzureWebJobsStorage": storage.connection_string})), chats


def test_deliveries_are_listed_and_parked_ones_sent_again(services: tuple[Services, Receivers], capsys: pytest.CaptureFixture[str]) -> None:
    app, _ = services
    now = datetime.now(UTC)
    save_content(app, groups.bulletin())
    for receiver, status in (("teams", "delivered"), ("slack", "parked")):
        row = json.loads(encode(delivery_of(groups.bulletin().id, receiver, OURS, now))) | {"status": status, "reason": "no_service"}
        app.store.put_delivery(Row(pullwatch.msgspec.convert(row, type(delivery_of("", "", "", now))), None))
    assert pullwatch.main(["deliveries"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert pullwatch.main(["deliveries", "--parked"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith("no_service")
    assert pullwatch.main(["redeliver", "--parked"]) == 0
    assert capsys.readouterr().out == f"{groups.bulletin().id}-slack will be sent again\n"
    assert pullwatch.main(["deliveries", "--parked"]) == 0
    assert capsys.readouterr().out == ""


def test_what_cannot_be_sent_again_is_said_in_one_sentence(services: tuple[Services, Receivers], capsys: pytest.CaptureFixture[str]) -> None:
    assert pullwatch.main(["redeliver", "nope"]) != 0
    assert "No delivery has the id 'nope'" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        pullwatch.main(["redeliver"])


def test_a_test_message_reaches_every_receiver(services: tuple[Services, Receivers], capsys: pytest.CaptureFixture[str]) -> None:
    assert pullwatch.main(["send-test"]) == 0
    assert capsys.readouterr().out.splitlines() == ["teams: delivered", "slack: delivered", "webhook: delivered"]
    _, chats = services
    assert [(r.kind, r.problem) for r in chats.received] == [("teams", ""), ("slack", ""), ("webhook", "")]


def test_a_receiver_that_refuses_the_test_message_is_bad_news(services: tuple[Services, Receivers], capsys: pytest.CaptureFixture[str]) -> None:
    services[1].script("slack", Answer(404, "no_service"))
    assert pullwatch.main(["send-test", "--receiver", "slack"]) == 1
    assert capsys.readouterr().out == "slack: The receiver answered 404: 'no_service'\n"
    assert pullwatch.main(["send-test", "--receiver", "pigeon"]) == 2
    assert "No receiver 'pigeon' is set" in capsys.readouterr().err


@pytest.mark.parametrize(("value", "timers"), [(None, 1), ("0 0 6 * * Fri", 1), ("", 0), ("off", 0), ("Off ", 0)])
def test_the_digest_runs_weekly_unless_it_is_switched_off(value: str | None, timers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULLWATCH_DIGEST_SCHEDULE", raising=False)
    if value is not None:
        monkeypatch.setenv("PULLWATCH_DIGEST_SCHEDULE", value)
    loaded = importlib.reload(notices)
    found = [trigger for function in loaded.notices._function_builders if (trigger := function._function.get_trigger()).type == "timerTrigger"]
    assert len(found) == timers
    assert all(trigger.schedule == (value or Settings().digest_schedule) for trigger in found)
    monkeypatch.undo()
    importlib.reload(notices)
