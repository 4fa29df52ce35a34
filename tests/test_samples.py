"""The sample receiver takes what Pullwatch really posts, and nothing else."""

import importlib.util
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from types import ModuleType

import pytest
import trustme

from shared.errors import Permanent
from shared.model import Bulletin, Severity
from shared.notify import webhook
from shared.notify.delivery import send
from shared.settings import Secret, Settings
from tests.report import samples

KEY = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0"
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


def test_what_is_posted_over_tls_is_taken_once(sample: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The sample behind what ends TLS, as its first lines say; Pullwatch's own delivery in front."""
    authority, server = trustme.CA(), sample.ThreadingHTTPServer(("127.0.0.1", 0), sample.Receiver)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("PULLWATCH_WEBHOOK_SECRET", KEY)
    address = Secret(f"https://localhost:{server.server_port}/")
    with server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        for _ in range(2):
            send("webhook", samples.opened(), Settings(webhook_url=address, webhook_secret=Secret(KEY), allow_private_receivers=True), samples.LINKS, datetime.now(UTC))
        with pytest.raises(Permanent, match="401"):
            send("webhook", samples.opened(), Settings(webhook_url=address, webhook_secret=Secret("whsec_" + "eHh4" * 10), allow_private_receivers=True),
                 samples.LINKS, datetime.now(UTC))
        server.shutdown()
    assert capsys.readouterr().out.count("io.pullwatch.incident.opened apps disk.iops") == 1


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
