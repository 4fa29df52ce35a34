"""Resource Graph, asked by its client."""

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions

from tests.azure.conftest import NOW, OTHER_SUBSCRIPTION, SCALE_SET, SUBSCRIPTION, make_world, resource

SCALE_SETS = "Resources | where type =~ 'Microsoft.Compute/virtualMachineScaleSets'"


def ask(clients, query, *, subscriptions=(SUBSCRIPTION,), **options):
    return clients.graph.resources(
        QueryRequest(
            subscriptions=list(subscriptions),
            query=query,
            options=QueryRequestOptions(result_format="objectArray", **options),
        )
    )


def test_rows_are_objects_with_dynamic_columns_as_objects(clients):
    row = ask(
        clients,
        f"{SCALE_SETS} | where name == 'aks-apps-12345678-vmss' | project id, type, resourceGroup, sku, properties, zones",
    ).data[0]
    assert row["id"] == SCALE_SET
    assert row["type"] == "microsoft.compute/virtualmachinescalesets"
    assert row["resourceGroup"] == "mc_rg_prod_swedencentral"
    assert row["sku"] == {"name": "Standard_D4s_v3", "tier": "Standard", "capacity": 12}
    assert row["properties"]["virtualMachineProfile"]["storageProfile"]["osDisk"]["diskSizeGB"] == 128
    assert row["zones"] is None


def test_the_callers_own_kql_reaches_into_dynamic_columns(clients):
    rows = ask(
        clients,
        f"{SCALE_SETS} | extend pool = tostring(tags['aks-managed-poolName']) | summarize pools = count(), nodes = sum(toint(sku.capacity)) by location | order by location asc",
    ).data
    assert rows == [
        {"location": "swedencentral", "pools": 2, "nodes": 14},
        {"location": "westus", "pools": 1, "nodes": 12},
    ]


def test_only_the_asked_subscriptions_are_seen(clients):
    assert [row["subscriptionId"] for row in ask(clients, SCALE_SETS, subscriptions=[OTHER_SUBSCRIPTION]).data] == [
        OTHER_SUBSCRIPTION
    ]
    assert ask(clients, SCALE_SETS, subscriptions=[]).total_records == 4
    with pytest.raises(HttpResponseError, match="NoValidSubscriptions"):
        ask(clients, SCALE_SETS, subscriptions=["00000000-0000-0000-0000-000000000000"])


def test_tables_may_be_spelled_in_any_case_and_joined(clients):
    answer = ask(
        clients,
        "RESOURCES | project name, subscriptionId | join kind=inner (ResourceContainers | where type == 'microsoft.resources/subscriptions' | project subscriptionId, subscription = name) on subscriptionId | count",
    )
    assert answer.data[0]["Count"] == 9


def test_more_than_a_page_is_followed_by_the_skip_token(clients):
    seen, token = [], None
    while True:
        answer = ask(clients, "Resources | project id | order by id asc", top=4, skip_token=token)
        seen += [row["id"] for row in answer.data]
        token = answer.skip_token
        if not token:
            break
        assert answer.result_truncated == "true"
    assert len(seen) == len(set(seen)) == answer.total_records == 9


def test_a_thousand_rows_are_the_most_a_page_holds(azure, clients):
    many = [
        resource(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/disks/d{n}")
        for n in range(1001)
    ]
    azure.serve(make_world(resources=many, metrics=[], tables={}))
    try:
        answer = ask(clients, "Resources | project id")
        assert (answer.count, answer.total_records) == (1000, 1001)
        assert answer.skip_token
        assert ask(clients, "Resources | project id", skip_token=answer.skip_token).count == 1
        with pytest.raises(HttpResponseError, match="between 1 and 1000"):
            ask(clients, "Resources", top=1001)
    finally:
        azure.serve(make_world())


def test_without_the_id_in_the_projection_there_is_no_skip_token(clients):
    answer = ask(clients, "Resources | project name", top=2)
    assert (answer.result_truncated, answer.skip_token) == ("true", None)


def test_a_syntax_error_says_where(clients):
    with pytest.raises(HttpResponseError) as caught:
        ask(clients, "Resources | wher type == 'x'")
    details = {detail.code: detail for detail in caught.value.error.details}
    assert caught.value.status_code == 400
    assert {"InvalidQuery", "ParserFailure"} <= details.keys()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("Nonsense | count", "DisallowedLogicalTableName"),
        ("Resources | where nonsense == 1", "SemanticError"),
        ("", "EmptyQuery"),
    ],
)
def test_a_query_about_nothing_known_is_refused(clients, query, code):
    with pytest.raises(HttpResponseError) as caught:
        ask(clients, query)
    assert caught.value.status_code == 400
    assert code in [detail.code for detail in caught.value.error.details]


def test_the_users_quota_is_told(clients):
    seen = {}
    clients.graph.resources(
        QueryRequest(query="Resources | count"),
        raw_response_hook=lambda response: seen.update(response.http_response.headers),
    )
    assert int(seen["x-ms-user-quota-remaining"]) < 15
    assert seen["x-ms-user-quota-resets-after"] == "00:00:05"


def test_now_is_what_the_clock_says(clients):
    assert ask(clients, "Resources | take 1 | project at = now()").data[0]["at"] == NOW.isoformat().replace(
        "+00:00", "Z"
    )
