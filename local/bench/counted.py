"""What one assessment, and the message it leads to, cost in requests and storage operations: counted, not estimated."""

import os
from collections import Counter
from datetime import UTC, datetime
from unittest import mock
from urllib.parse import urlsplit

from local.azure import LocalAzure
from local.azurite import Azurite
from local.bench.chain import StraightServices
from local.bench.requests_log import recorded
from local.world import build
from shared.flow import jobs
from shared.model import encode
from shared.settings import Secret, load

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
QUIET, SLOW = "busy-disk", "disk-iops"


def assessment_and_message(scenario: str) -> Counter[str]:
    """Kind of request → how many, for one assessment of the scenario's pool by an app that runs already, and for
    telling one chat about it if there is something to tell."""
    world = build(scenario, 0, NOW)
    with LocalAzure(world, clock=lambda: NOW, metrics_lag_seconds=0) as local, Azurite() as azurite, mock.patch.dict(os.environ, local.environ):
        settings = load(local.environ | {"AzureWebJobsStorage": azurite.connection_string, "PULLWATCH_SLACK_URL": "https://chat.invalid/x",
                                          "PULLWATCH_GROUP_WAIT_SECONDS": "0", "PULLWATCH_WINDOW_MINUTES": "90", "PULLWATCH_METRICS_LAG_SECONDS": "0"})
        truth = world.truths[0]
        app = StraightServices(settings, NOW, lambda _receiver, _content: None)
        app.fleet()
        app.azure.skus(app.fleet().cluster(truth.cluster_id).subscription_id, app.fleet().pool(truth.cluster_id, truth.pool).location)
        app.store.pools(truth.cluster_id)
        local.counts.reset()
        found = _played(app, jobs.Assessment(truth.cluster_id, truth.pool))
        return found + Counter({kind: n for kind, n in local.counts.requests.items() if kind != "token"})


def _played(app: StraightServices, first: jobs.Assessment) -> Counter[str]:
    """Works off the assessment and what follows; storage operations by service."""
    app.enqueue(jobs.ASSESSMENTS, encode(first))
    operations: Counter[str] = Counter()
    services = _services_by_port(app.settings.storage_connection_string)
    with recorded(0) as spans:
        while app.todo:
            app.work()
            operations["messages"] += 1
    return operations + Counter(services[port] for span in spans if (port := urlsplit(span.what.split()[1]).port) in services)


def _services_by_port(connection_string: Secret) -> dict[int | None, str]:
    """Port → ``table``, ``blob`` or ``queue``."""
    parts = dict(part.partition("=")[::2] for part in connection_string.reveal().split(";"))
    return {urlsplit(parts[f"{name}Endpoint"]).port: name.lower() for name in ("Blob", "Queue", "Table")}
