"""Azurite, Microsoft's storage emulator: the real blob, queue and table services on this machine."""

import base64
import re
import secrets
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from local.node import node, node_module

ACCOUNT = "devstoreaccount1"
START_SECONDS = 60.0
_LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at (http://\S+)")


class AzuriteFailed(Exception):
    """Azurite did not start; the text holds what it said."""


class Azurite:
    """Runs Azurite while the ``with`` block lasts, in memory, on ports the system chose.

    ``connection_string`` is what the Azure SDKs take. The account key is made anew for each run.
    """

    def __init__(self) -> None:
        self._key = base64.b64encode(secrets.token_bytes(32)).decode()
        self._process: subprocess.Popen[bytes] | None = None
        self.connection_string = ""

    def __enter__(self) -> Self:
        # A file, not a pipe: nobody reads on once Azurite is up, and a full pipe would stop it.
        with tempfile.NamedTemporaryFile(prefix="azurite-", suffix=".log") as log:
            self._process = subprocess.Popen(
                _command(), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=tempfile.gettempdir(),
                env={"AZURITE_ACCOUNTS": f"{ACCOUNT}:{self._key}"},
            )
            try:
                endpoints = self._wait_for_endpoints(Path(log.name))
            except AzuriteFailed:
                self.stop()
                raise
        self.connection_string = ";".join((
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={self._key}",
            *(f"{service}Endpoint={url}/{ACCOUNT}" for service, url in endpoints.items()),
        ))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the process; what it stored is gone. Harmless when it does not run."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def _wait_for_endpoints(self, log: Path) -> dict[str, str]:
        """Service name → URL, once all three listen. Azurite prints a service only when it answers."""
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            said = log.read_text(errors="replace")
            endpoints = dict(_LISTENING.findall(said))
            if len(endpoints) == 3:
                return endpoints
            if self._process.poll() is not None:
                raise AzuriteFailed(f"Azurite ended with code {self._process.returncode}: {said.strip()[-500:]}")
            time.sleep(0.02)
        raise AzuriteFailed(f"Azurite did not answer within {START_SECONDS:.0f} s: {said.strip()[-500:]}")


def _command() -> list[str]:
    return [
        str(node()), str(node_module("azurite") / "dist" / "src" / "azurite.js"),
        "--silent", "--inMemoryPersistence", "--disableTelemetry",
        "--skipApiVersionCheck",  # the SDKs send newer versions than Azurite knows, and it serves them well
        "--blobPort", "0", "--queuePort", "0", "--tablePort", "0",
    ]
