"""Compute, registries and subscriptions, asked by the client or by plain requests."""

import pytest
import requests
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.azure.conftest import NODE_GROUP, OTHER_SUBSCRIPTION, REGISTRY, SUBSCRIPTION

GROUP = "MC_rg_prod_swedencentral"
NAME = "aks-apps-12345678-vmss"


@pytest.fixture
def get(azure, credential):
    """GET (or another method) a path of Resource Manager with a token."""
    token = credential.get_token("https://management.azure.com/.default").token

    def ask(path, method="GET", **params):
        return requests.request(
            method,
            azure.url + path,
            params=params,
            headers={"Authorization": f"Bearer {token}"},
            verify=azure.ca_pem_path,
            timeout=10,
        )

    return ask


def test_skus_are_filtered_by_location_and_paged(azure, clients):
    skus = list(clients.compute.resource_skus.list(filter="location eq 'swedencentral'"))
    assert [sku.name for sku in skus] == [f"Standard_D{n}s_v3" for n in (2, 4, 8, 16, 32)]
    assert skus[1].capabilities[0].value == "4"
    assert azure.counts["skus"] == 2


def test_skus_can_be_filtered_by_nothing_but_location(clients):
    with pytest.raises(HttpResponseError, match="only 'location eq' is"):
        list(clients.compute.resource_skus.list(filter="resourceType eq 'disks'"))


def test_a_scale_set_shows_its_model(clients):
    found = clients.compute.virtual_machine_scale_sets.get(GROUP.upper(), NAME)
    assert (found.type, found.sku.capacity) == ("Microsoft.Compute/virtualMachineScaleSets", 12)
    assert found.virtual_machine_profile.storage_profile.os_disk.managed_disk.storage_account_type == "Premium_LRS"
    assert found.tags["aks-managed-poolName"] == "apps"


def test_scale_sets_are_listed_by_group_and_by_subscription(clients):
    assert [each.name for each in clients.compute.virtual_machine_scale_sets.list(GROUP)] == [
        NAME,
        "aks-system-12345678-vmss",
    ]
    assert len(list(clients.compute.virtual_machine_scale_sets.list_all())) == 3


def test_instances_carry_their_node_names(clients):
    instances = list(clients.compute.virtual_machine_scale_set_vms.list(GROUP, NAME))
    assert [each.instance_id for each in instances] == [str(n) for n in range(12)]
    assert (instances[10].name, instances[10].os_profile.computer_name) == (
        f"{NAME}_10",
        "aks-apps-12345678-vmss00000a",
    )


def test_instances_of_a_silent_scale_set_follow_its_capacity(clients):
    assert len(list(clients.compute.virtual_machine_scale_set_vms.list(GROUP, "aks-system-12345678-vmss"))) == 2


def test_disks_are_listed(clients):
    assert [(disk.name, disk.disk_size_gb) for disk in clients.compute.disks.list()] == [("data0", 64)]


def test_what_does_not_exist_is_not_found_and_says_which_part(clients, get):
    with pytest.raises(ResourceNotFoundError, match=r"ResourceNotFound.*was not found"):
        clients.compute.virtual_machine_scale_sets.get(GROUP, "nonsense")
    with pytest.raises(ResourceNotFoundError, match="Resource group 'nonsense' could not be found"):
        clients.compute.virtual_machine_scale_sets.get("nonsense", NAME)
    missing = get(
        "/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Compute/disks",
        **{"api-version": "2024-03-02"},
    )
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "SubscriptionNotFound")


def test_an_api_version_is_required_and_must_exist(get):
    path = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachineScaleSets"
    assert get(path).json()["error"]["code"] == "MissingApiVersionParameter"
    unknown = get(path, **{"api-version": "1999-01-01"})
    assert unknown.status_code == 400
    assert "supported api-versions are '2026-04-01" in unknown.json()["error"]["message"]


def test_replications_and_usages_of_a_registry(get):
    replications = get(f"{REGISTRY}/replications", **{"api-version": "2025-04-01"}).json()["value"]
    assert [each["location"] for each in replications] == ["westus"]
    assert "tenantId" not in replications[0]
    for method in ("GET", "POST"):
        size, webhooks = get(f"{REGISTRY}/listUsages", method, **{"api-version": "2023-07-01"}).json()["value"]
        assert size == {"name": "Size", "limit": 536870912000, "currentValue": 5000000000, "unit": "Bytes"}
        assert webhooks["limit"] == 500


def test_subscriptions_are_listed(get):
    listed = get("/subscriptions", **{"api-version": "2022-12-01"}).json()["value"]
    assert [each["subscriptionId"] for each in listed] == [SUBSCRIPTION, OTHER_SUBSCRIPTION]


def test_the_quota_of_reads_is_told(get):
    headers = get(f"{NODE_GROUP}/Microsoft.Compute/virtualMachineScaleSets", **{"api-version": "2024-07-01"}).headers
    assert 0 < int(headers["x-ms-ratelimit-remaining-subscription-reads"]) < 250
    assert "Microsoft.Compute/" in headers["x-ms-ratelimit-remaining-resource"]
