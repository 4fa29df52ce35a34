"""What the pages tell to type is typed: every command of ours, against the local Azure, Azurite and real receivers."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from local.azure import LocalAzure
from local.azurite import Azurite
from local.receivers import Receivers
from local.world import SCENARIOS, build
from shared.errors import Permanent
from shared.flow import outgoing
from shared.model import Severity
from shared.model.notice import Bulletin
from shared.services import Services
from shared.setting_checks import signing_keys
from shared.settings import load
from shared.watch import outbox
from shared.watch.store import OURS, Row
from tests.test_docs import PAGES, ROOT, commands

ANSWERS = {
    "diagnose": "The OS disk is the bottleneck", "doctor": "identity: signs in", "deliveries": "refused-slack",
    "redeliver": "refused-slack will be sent again", "send-test": "teams: delivered",
}
"""A part of what each command prints."""
pytestmark = pytest.mark.slow


def told() -> list[tuple[str, ...]]:
    """Every invocation of ``pullwatch.py`` in any page, once."""
    text = "\n".join(page.read_text() for page in PAGES)
    text = re.sub(r"`pullwatch\.py ", "`python pullwatch.py ", text)
    text = re.sub(r"(?m)^pullwatch\.py ", "python pullwatch.py ", text)
    return sorted({tuple(found) for found in commands(text, "python pullwatch.py") if found})


@pytest.fixture(scope="module")
def environ(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A shell in which all is set: a slow pool in Azure, receivers, storage with one parked delivery."""
    authority, folder = trustme.CA(), tmp_path_factory.mktemp("shell")
    with LocalAzure(build("disk-iops", 0, datetime.now(UTC)), metrics_lag_seconds=0) as azure, Receivers(authority) as chats:
        bundle = folder / "bundle.pem"
        bundle.write_text(Path(azure.ca_pem_path).read_text() + chats.ca_file.read_text())
        ours = {
            **azure.environ, **chats.environment, "REQUESTS_CA_BUNDLE": str(bundle), "AzureWebJobsStorage": azurite.connection_string,
            "PULLWATCH_METRICS_LAG_SECONDS": "0",
        }
        park(Services(load(ours)))
        yield {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "CASE": str(folder / "case.json"), **ours}


def park(services: Services) -> None:
    """One delivery that was refused for good."""
    now = datetime.now(UTC)
    outgoing.save_content(services, Bulletin("refused", "test", now, Severity.NOTICE, "A test"))
    delivery = outgoing.delivery_of("refused", "slack", OURS, now)
    services.store.put_housekeeping(services.store.housekeeping(), [outbox.failed(delivery, Permanent("no_service"), now, 0.0)])


def type_it(line: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", line], cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603, S607  # the pages' own commands


@pytest.mark.parametrize("arguments", told(), ids=" ".join)
def test_every_command_of_ours_does_what_its_page_says(arguments: tuple[str, ...], environ: dict[str, str]) -> None:
    if "--case" in arguments:
        assert type_it(f"{sys.executable} pullwatch.py diagnose --cluster prod-weu --pool apps --last 2h --save-case {environ['CASE']}", environ).returncode == 0
    if arguments[0] in ("redeliver", "deliveries"):
        services = Services(load(environ))
        for row in services.store.deliveries():
            services.store.put_delivery(Row(outbox.failed(row.value, Permanent("no_service"), datetime.now(UTC), 0.0), row.etag))
    known = {"FILE": environ["CASE"], "ID": "refused-slack"}
    line = shlex.join([sys.executable, "pullwatch.py", *(known.get(argument, argument) for argument in arguments)])
    done = type_it(line, environ)
    assert done.returncode in ((0, 1) if arguments[0] == "doctor" else (0,)), done.stdout + done.stderr
    assert ANSWERS[arguments[0]] in done.stdout


def test_the_pages_tell_every_command_that_a_person_needs() -> None:
    assert {arguments[0] for arguments in told()} >= {"diagnose", "doctor", "deliveries", "redeliver", "send-test"}


def test_what_follows_a_deployment_works_with_what_azd_knows(environ: dict[str, str], tmp_path: Path) -> None:
    """The README's shell lines, with an azd that knows the address of Teams."""
    azd = tmp_path / "azd"
    azd.write_text("#!/bin/sh\n[ \"$*\" = 'env get-values' ] && printf 'AZURE_ENV_NAME=\"pullwatch\"\\nPULLWATCH_TEAMS_URL=\"%s\"\\n' \"$KEPT_BY_AZD\"\n")
    azd.chmod(0o755)
    block = next(b for b in re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL) if "get-values" in b)
    shell = {name: value for name, value in environ.items() if not name.startswith(("PULLWATCH_TEAMS", "PULLWATCH_SLACK", "PULLWATCH_WEBHOOK"))}
    done = type_it(block.replace(".venv/bin/python", sys.executable), shell | {"PATH": f"{tmp_path}:{environ['PATH']}", "KEPT_BY_AZD": environ["PULLWATCH_TEAMS_URL"]})
    assert "fleet: 1 cluster," in done.stdout
    assert done.stdout.splitlines()[-1] == "teams: delivered", done.stdout + done.stderr


def test_the_command_that_makes_a_signing_key_makes_one(environ: dict[str, str]) -> None:
    (line,) = re.findall(r"^python (-c \"import base64.*)$", (ROOT / "docs" / "webhook.md").read_text(), re.MULTILINE)
    done = type_it(f"{sys.executable} {line}", environ)
    assert len(signing_keys("the key", done.stdout.strip())) == 1, done.stderr


def test_the_demo_names_its_scenarios_where_the_readme_says(environ: dict[str, str]) -> None:
    done = type_it(f"{sys.executable} -m local.demo --help", environ)
    named = set(re.findall(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", done.stdout.replace("\n", " ")))
    assert {"disk-iops", "disk-bandwidth", "acr-throttled", "healthy-upgrade", "busy-disk"} <= named
    readme = (ROOT / "README.md").read_text()
    assert f"another of {len(SCENARIOS)} scenarios" in readme
