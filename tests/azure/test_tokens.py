"""Signing in: managed identity, audiences, and what happens without."""

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import ManagedIdentityCredential
from azure.mgmt.resourcegraph.models import QueryRequest

from local.azure import LocalAzure
from tests.azure.conftest import SCALE_SET, SUBSCRIPTION, WORKSPACE, Clients, StaticCredential

COUNT = QueryRequest(subscriptions=[SUBSCRIPTION], query="Resources | count")


def test_each_client_signs_in_with_the_managed_identity_for_its_own_audience(azure, clients):
    clients.graph.resources(COUNT)
    clients.logs.query_workspace(WORKSPACE, "KubeEvents | count", timespan=None)
    clients.metrics.query_resources(
        resource_ids=[SCALE_SET],
        metric_namespace="Microsoft.Compute/virtualMachineScaleSets",
        metric_names=["Percentage CPU"],
    )
    assert azure.counts["token"] == 3


def test_a_user_assigned_identity_signs_in_as_well(azure, credential):
    with ManagedIdentityCredential(client_id="00000000-1111-2222-3333-444444444444") as assigned:
        clients = Clients(azure, assigned)
        assert clients.graph.resources(COUNT).count == 1
        clients.close()


def test_a_token_for_another_audience_is_refused_with_the_allowed_ones(azure, credential):
    wrong = StaticCredential(credential.get_token("https://metrics.monitor.azure.com/.default").token)
    with pytest.raises(
        ClientAuthenticationError,
        match=r"wrong audience or resource 'https://metrics.monitor.azure.com'.*management.azure.com",
    ):
        Clients(azure, wrong).graph.resources(COUNT)


def test_the_logs_api_refuses_a_resource_manager_token(azure, credential):
    wrong = StaticCredential(credential.get_token("https://management.azure.com/.default").token)
    with pytest.raises(HttpResponseError, match="Valid authentication was not provided"):
        Clients(azure, wrong).logs.query_workspace(WORKSPACE, "KubeEvents", timespan=None)


def test_an_unknown_token_is_refused(azure):
    with pytest.raises(ClientAuthenticationError, match="access token is invalid"):
        Clients(azure, StaticCredential("nonsense")).graph.resources(COUNT)


def test_a_request_without_a_token_is_challenged(azure):
    answer = requests.get(f"{azure.url}/subscriptions?api-version=2022-12-01", verify=azure.ca_pem_path, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "AuthenticationFailed"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")


def test_no_token_is_issued_for_a_resource_nobody_knows(credential):
    with pytest.raises((ClientAuthenticationError, HttpResponseError)):
        credential.get_token("https://vault.example/.default")


def test_no_token_is_issued_to_who_does_not_know_the_header(azure: LocalAzure):
    answer = requests.get(
        azure.environ["IDENTITY_ENDPOINT"],
        params={"api-version": "2019-08-01", "resource": "https://management.azure.com"},
        timeout=10,
    )
    assert answer.status_code == 401
    assert "access_token" not in answer.text
