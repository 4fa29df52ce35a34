"""Faults, counters and quotas."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.identity import CredentialUnavailableError
from azure.mgmt.resourcegraph.models import QueryRequest

from local.azure import Fault, LocalAzure
from tests.azure.conftest import NOW, SCALE_SET, WORKSPACE, make_world

COUNT = QueryRequest(query="Resources | count")
NAMESPACE = "Microsoft.Compute/virtualMachineScaleSets"


def ask_metrics(clients, **more):
    return clients.metrics.query_resources(
        resource_ids=[SCALE_SET], metric_namespace=NAMESPACE, metric_names=["Percentage CPU"], **more
    )


def test_a_throttled_client_comes_back_after_retry_after(azure, clients):
    azure.faults.add("metrics_batch", Fault(status=429, retry_after_seconds=0.2, times=2))
    began = time.monotonic()
    assert ask_metrics(clients)
    assert time.monotonic() - began >= 0.4
    assert azure.counts["metrics_batch"] == 3
    assert azure.counts.statuses["metrics_batch"] == {429: 2, 200: 1}


@pytest.mark.parametrize(
    ("kind", "code", "ask"),
    [
        ("graph", "RateLimiting", lambda clients: clients.graph.resources(COUNT, retry_total=0)),
        (
            "logs",
            "ThrottledError",
            lambda clients: clients.logs.query_workspace(WORKSPACE, "KubeEvents", timespan=None, retry_total=0),
        ),
        ("skus", "TooManyRequests", lambda clients: list(clients.compute.resource_skus.list(retry_total=0))),
        (
            "scale_sets",
            "TooManyRequests",
            lambda clients: list(clients.compute.virtual_machine_scale_sets.list_all(retry_total=0)),
        ),
    ],
)
def test_each_service_throttles_in_its_own_words(azure, clients, kind, code, ask):
    azure.faults.add(kind, Fault(status=429, retry_after_seconds=7))
    with pytest.raises(HttpResponseError, match=code) as caught:
        ask(clients)
    assert (caught.value.status_code, caught.value.response.headers["Retry-After"]) == (429, "7")


def test_a_share_of_requests_fails_evenly(azure, clients):
    azure.faults.add("graph", Fault(status=500, share=0.5))
    outcomes = []
    for _ in range(6):
        try:
            clients.graph.resources(COUNT, retry_total=0)
            outcomes.append(200)
        except HttpResponseError as error:
            outcomes.append(error.status_code)
    assert outcomes == [200, 500] * 3


def test_latency_is_added_and_concurrency_counted(azure, clients):
    azure.faults.add("graph", Fault(latency_seconds=0.3))
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: clients.graph.resources(COUNT), range(4)))
    assert 0.3 <= time.monotonic() - began < 1.1
    assert azure.counts.peak["graph"] == 4


def test_a_truncated_body_is_no_answer(azure, clients):
    azure.faults.add("graph", Fault(truncate=True))
    with pytest.raises((IncompleteReadError, ServiceResponseError)):
        clients.graph.resources(COUNT, retry_total=0)


def test_a_reset_connection_is_no_answer(azure, clients):
    azure.faults.add("metrics_batch", Fault(reset=True))
    with pytest.raises((ServiceResponseError, ServiceRequestError)):
        ask_metrics(clients, retry_total=0)


def test_a_hanging_service_is_left_by_a_client_with_a_timeout(azure, clients):
    azure.faults.add("logs", Fault(hang=True))
    with pytest.raises((ServiceResponseError, ServiceRequestError)):
        clients.logs.query_workspace(WORKSPACE, "KubeEvents", timespan=None, retry_total=0, read_timeout=0.3)
    azure.faults.clear("logs")
    assert clients.logs.query_workspace(WORKSPACE, "KubeEvents | count", timespan=None).tables


def test_without_a_token_nothing_is_asked(azure, clients):
    azure.faults.add("token", Fault(status=500))
    with pytest.raises((ClientAuthenticationError, CredentialUnavailableError)):
        clients.graph.resources(COUNT)
    assert azure.counts["graph"] == 0


def test_another_process_can_switch_faults_and_read_counts(azure, clients):
    control = azure.environ["LOCAL_AZURE_CONTROL"]
    assert requests.post(control + "faults", json={"kind": "graph", "status": 503, "times": 1}, timeout=10).ok
    clients.graph.resources(COUNT)
    assert requests.get(control + "counts", timeout=10).json()["graph"] == {
        "requests": 2,
        "peak": 1,
        "statuses": {"503": 1, "200": 1},
    }
    assert requests.delete(control + "counts", timeout=10).ok
    assert azure.counts.total == 0
    requests.post(control + "faults", json={"kind": "all", "hang": True}, timeout=10)
    assert requests.delete(control + "faults", timeout=10).ok
    assert clients.graph.resources(COUNT).count == 1


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "nonsense"},
        {"kind": "graph", "status": 418},
        {"kind": "graph", "colour": "red"},
        {"kind": "graph", "share": 2},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(azure, body):
    answer = requests.post(azure.control_url + "faults", json=body, timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidFault")


def test_with_enforced_quotas_the_sixteenth_graph_query_is_throttled():
    with LocalAzure(make_world(), clock=lambda: NOW, enforce_quotas=True) as strict:
        identity = requests.get(
            strict.environ["IDENTITY_ENDPOINT"],
            params={"api-version": "2019-08-01", "resource": "https://management.azure.com"},
            headers={"X-IDENTITY-HEADER": strict.environ["IDENTITY_HEADER"]},
            timeout=10,
        ).json()
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {identity['access_token']}"
            url = f"{strict.url}/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01"
            statuses = [
                session.post(
                    url, json={"query": "Resources | take 1"}, verify=strict.ca_pem_path, timeout=10
                ).status_code
                for _ in range(40)
            ]
    assert statuses[:15] == [200] * 15
    assert 429 in statuses


def test_a_closed_local_azure_leaves_nothing_listening():
    with LocalAzure(make_world(), clock=lambda: NOW) as azure, requests.Session() as session:
        url = azure.control_url + "counts"
        session.get(url, timeout=10)
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=2)
