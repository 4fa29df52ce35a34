"""Other clouds, a proxy, an own authority: where the SDKs really go, and for whom they ask a token."""

import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from local.azure import LocalAzure
from local.world import build
from shared.collect.azure import Azure, credential
from shared.errors import PullwatchError
from shared.flow.assess import collect
from shared.model import Window
from shared.services import Services
from shared.settings import load

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
VMSS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/MC_rg/providers/Microsoft.Compute/virtualMachineScaleSets/aks-apps-1-vmss"
PUBLIC = {
    "AzureCloud": ("login.microsoftonline.com", "management.azure.com", "westeurope.metrics.monitor.azure.com", "api.loganalytics.io", "core.windows.net"),
    "AzureUSGovernment": ("login.microsoftonline.us", "management.usgovcloudapi.net", "westeurope.metrics.monitor.azure.us", "api.loganalytics.us", "core.usgovcloudapi.net"),
    "AzureChinaCloud": ("login.partner.microsoftonline.cn", "management.chinacloudapi.cn", "westeurope.metrics.monitor.azure.cn", "api.loganalytics.azure.cn", "core.chinacloudapi.cn"),
}
each_cloud = pytest.mark.parametrize("cloud", PUBLIC)


class Proxy:
    """A forward proxy that writes down where it is asked to connect to, and does so if it may."""

    def __init__(self, *, tunnels: bool) -> None:
        self.asked: list[str] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_CONNECT(self) -> None:
                proxy.asked.append(self.path)
                if not tunnels:
                    self.send_error(403)
                    return
                host, _, port = self.path.partition(":")
                with socket.create_connection((host, int(port))) as there:
                    self.send_response(200)
                    self.end_headers()
                    self.close_connection = True
                    _pass_on(self.connection, there)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def hosts(self) -> set[str]:
        return {address.partition(":")[0] for address in self.asked}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    while True:
        for readable in select.select([one, other], [], [])[0]:
            data = readable.recv(65_536)
            if not data:
                return
            (other if readable is one else one).sendall(data)


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bool], Proxy]]:
    """Puts a proxy into the environment, as ``HTTPS_PROXY`` does."""
    made: list[Proxy] = []
    for name in [name for name in os.environ if name.startswith("AZURE_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)

    def put(tunnels: bool) -> Proxy:
        made.append(Proxy(tunnels=tunnels))
        monkeypatch.setenv("HTTPS_PROXY", made[-1].url)
        return made[-1]

    yield put
    for proxy in made:
        proxy.close()


class Asked:
    """A credential that writes down what tokens are for."""

    def __init__(self) -> None:
        self.scopes: set[str] = set()

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes.update(scopes)
        return AccessToken("local", 2_000_000_000)


def settings_of(cloud: str, **more: str) -> Any:
    return load({"AZURE_CLOUD": cloud, "PULLWATCH_AZURE_BUDGET_SECONDS": "1", **more})


def ask_everything(azure: Azure) -> None:
    window = Window(NOW - timedelta(minutes=5), NOW)
    for question in (lambda: azure.graph("resources"), lambda: azure.scale_set(VMSS), lambda: azure.logs(VMSS, "KubeEvents", window),
                     lambda: azure.metrics("westeurope", [VMSS], "Microsoft.Compute/virtualMachineScaleSets", ["OS Disk Queue Depth"], window)):
        with pytest.raises(PullwatchError):
            question()


@each_cloud
def test_each_cloud_is_asked_at_its_own_addresses_with_tokens_of_its_own(cloud: str, proxied: Callable[[bool], Proxy]) -> None:
    proxy, who = proxied(False), Asked()
    ask_everything(Azure(settings_of(cloud), who))
    _, manager, metrics, logs, _ = PUBLIC[cloud]
    assert proxy.hosts == {manager, metrics, logs}
    assert who.scopes == {f"https://{host}/.default" for host in (manager, metrics.removeprefix("westeurope."), logs)}


@each_cloud
def test_each_cloud_is_signed_in_to_at_its_own_authority(cloud: str, proxied: Callable[[bool], Proxy], monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = proxied(False)
    for name, value in {"AZURE_TENANT_ID": SUBSCRIPTION, "AZURE_CLIENT_ID": SUBSCRIPTION, "AZURE_CLIENT_SECRET": "of-nobody"}.items():
        monkeypatch.setenv(name, value)
    settings = settings_of(cloud)
    with pytest.raises(PullwatchError):
        Azure(settings, credential(settings)).graph("resources")
    assert proxy.hosts == {PUBLIC[cloud][0]}


@each_cloud
def test_each_cloud_has_its_own_storage_addresses(cloud: str) -> None:
    from azure.storage.queue import QueueServiceClient

    app = Services(settings_of(cloud, AzureWebJobsStorage__accountName="stpullwatch"))
    app.__dict__["_credential"] = Asked()
    assert app._storage_client(QueueServiceClient, "queue").url == f"https://stpullwatch.queue.{PUBLIC[cloud][4]}/"


@pytest.mark.slow
def test_an_assessment_goes_through_a_proxy_and_trusts_the_authority_that_is_named(proxied: Callable[[bool], Proxy], monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, world = proxied(True), build("healthy-upgrade", 0, datetime.now(UTC))
    with LocalAzure(world, metrics_lag_seconds=0) as local:
        for name, value in local.environ.items():
            monkeypatch.setenv(name, value)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        case = collect(Services(load(local.environ)), world.truths[0].cluster_id, world.truths[0].pool)
        assert {part.source: part.status for part in case.coverage if part.status == "failed"} == {}
        assert set(proxy.asked) == {local.environ["AZURE_RESOURCE_MANAGER_ENDPOINT"].removeprefix("https://")}


def test_what_is_named_in_no_proxy_is_asked_directly(proxied: Callable[[bool], Proxy], monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = proxied(False)
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    with LocalAzure(build("healthy-upgrade", 0, datetime.now(UTC))) as local:
        for name, value in local.environ.items():
            monkeypatch.setenv(name, value)
        assert Services(load(local.environ)).azure.graph("resources | take 1")
    assert proxy.asked == []
