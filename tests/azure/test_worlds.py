"""The simulated worlds, served: whatever the physical model writes, Azure's clients can read."""

import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from azure.identity import ManagedIdentityCredential
from azure.mgmt.resourcegraph.models import QueryRequest

from local.azure import LocalAzure
from local.world import SCENARIOS, build
from shared.azure_ids import segment
from tests.azure.conftest import Clients

END = datetime(2026, 8, 20, 12, 0, tzinfo=UTC)
POOLS = (
    "Resources | where type in ('microsoft.compute/virtualmachinescalesets', 'microsoft.compute/virtualmachines') "
    "| project id, type, location, subscriptionId"
)
METRICS = ["OS Disk Queue Depth", "Percentage CPU", "Network In Total", "VM Uncached IOPS Consumed Percentage"]
PULLS = "KubeEvents | where Reason == 'Pulled' | summarize pulls = count() by Computer"


@pytest.fixture
def signed_in(monkeypatch):
    def sign_in(azure, subscription):
        for name, value in azure.environ.items():
            monkeypatch.setenv(name, value)
        return Clients(azure, ManagedIdentityCredential(), subscription)

    return sign_in


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_every_world_can_be_read_by_azures_clients(name, signed_in):
    world = build(name, 1, END)
    with LocalAzure(world, clock=lambda: END) as azure:
        clients = signed_in(azure, segment(world.resources[0]["id"], "subscriptions"))
        pool = clients.graph.resources(QueryRequest(query=POOLS)).data[0]
        single = pool["type"].endswith("/virtualmachines")
        [result] = clients.metrics_of(pool["location"]).query_resources(
            resource_ids=[pool["id"]],
            metric_namespace=pool["type"],
            metric_names=METRICS,
            timespan=(world.window_start, world.window_end),
            aggregations=["average", "total"],
            filter=None if single else "VMName eq '*'",
            max_results=None if single else 1000,
        )
        cluster = clients.graph.resources(
            QueryRequest(query="Resources | where type =~ 'Microsoft.ContainerService/managedClusters' | project id")
        ).data[0]
        [pulls] = clients.logs.query_resource(cluster["id"], PULLS, timespan=None).tables
        assert list(clients.compute.resource_skus.list(filter=f"location eq '{pool['location']}'"))
        clients.close()
    assert all(metric.timeseries for metric in result.metrics)
    assert pulls.rows


def test_many_questions_at_once_get_the_answers_of_one_at_a_time(signed_in):
    world = build("disk-iops", 1, END)
    with LocalAzure(world, clock=lambda: END) as azure:
        clients = signed_in(azure, segment(world.resources[0]["id"], "subscriptions"))
        cluster = next(
            each["id"] for each in world.resources if each["id"].rpartition("/")[0].lower().endswith("managedclusters")
        )

        def ask(minutes):
            [table] = clients.logs.query_resource(
                cluster, f"{PULLS} | where pulls > {minutes} | order by Computer asc", timespan=None
            ).tables
            return [tuple(row) for row in table.rows]

        alone = [ask(minutes) for minutes in range(16)]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(ask, range(16)))
        clients.close()
    assert together == alone


def test_a_terminal_can_serve_a_world_and_print_where_it_is():
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-m", "local.azure", "healthy-upgrade", "--seed", "1"],
        cwd=root,
        text=True,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    ) as process:
        exported = dict(
            shlex.split(line)[1].split("=", 1) for line in iter(process.stdout.readline, "# serving until Ctrl-C\n")
        )
        answer = requests.get(exported["LOCAL_AZURE_CONTROL"] + "counts", timeout=10).json()
        process.terminate()
    assert answer == {"all": {"requests": 0, "peak": 0}}
    assert exported["AZURE_MONITOR_METRICS_ENDPOINT"].endswith("/regions/{region}")
