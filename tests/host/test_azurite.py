"""The storage emulator starts, serves and ends, or says why not."""

from pathlib import Path

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local import azurite, node
from local.azurite import Azurite, AzuriteFailed


def test_all_three_services_answer_the_official_clients(azurite: Azurite) -> None:
    for client in (BlobServiceClient, QueueServiceClient):
        with client.from_connection_string(azurite.connection_string) as service:
            service.get_service_properties()
    with TableServiceClient.from_connection_string(azurite.connection_string) as tables:
        list(tables.list_tables())


def test_two_run_side_by_side_and_end_with_their_block(azurite: Azurite) -> None:
    with Azurite() as other:
        assert other.connection_string != azurite.connection_string
    with QueueServiceClient.from_connection_string(other.connection_string, retry_total=0) as service, pytest.raises(ServiceRequestError):
        service.get_service_properties()


def test_a_missing_npm_package_is_named_with_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "NODE_MODULES", tmp_path)
    with pytest.raises(node.NotInstalled, match="azurite is not installed: run `make setup`"), Azurite():
        pass


def test_an_emulator_that_does_not_come_up_says_what_it_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azurite, "_command", lambda: [str(node.node()), "-e", "console.log('no memory'); process.exit(3)"])
    with pytest.raises(AzuriteFailed, match="code 3: no memory"), Azurite():
        pass
