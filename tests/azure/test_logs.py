"""Log Analytics, asked by its client."""

from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import HttpResponseError
from azure.monitor.query import LogsBatchQuery, LogsQueryStatus

from local.azure.logs import LOG_TABLES
from tests.azure.conftest import (
    CLUSTER,
    NODE_GROUP,
    NOW,
    REGISTRY,
    SCALE_SET,
    START,
    SUBSCRIPTION,
    WORKSPACE,
    make_world,
)

PULLS = """
KubeEvents
| where Reason == "Pulled" and Message startswith "Successfully pulled image"
| extend Image = extract(@'pulled image "([^"]+)"', 1, Message), PullRaw = extract(@'" in ([0-9hmsuµn.]+)', 1, Message)
| project TimeGenerated, Computer, Image, PullRaw
| order by TimeGenerated asc
"""


def rows_of(clients, query, *, timespan=None, resource_id=CLUSTER):
    [table] = clients.logs.query_resource(resource_id, query, timespan=timespan).tables
    return [tuple(row) for row in table.rows]


def count(clients, table, **more):
    return rows_of(clients, f"{table} | count", **more)[0][0]


def test_the_callers_own_kql_runs_over_the_rows(clients):
    result = clients.logs.query_resource(CLUSTER, PULLS, timespan=None)
    [table] = result.tables
    assert (result.status, table.name) == (LogsQueryStatus.SUCCESS, "PrimaryResult")
    assert (table.columns, table.columns_types) == (
        ["TimeGenerated", "Computer", "Image", "PullRaw"],
        ["datetime", "string", "string", "string"],
    )
    assert tuple(table.rows[0]) == (
        datetime(2026, 8, 20, 10, 0, 0, 500_000, tzinfo=UTC),
        "aks-apps-12345678-vmss000000",
        "contoso.azurecr.io/web:1",
        "10.0s",
    )


def test_a_resource_sees_its_own_rows_and_a_group_or_subscription_those_below(clients):
    assert count(clients, "KubeEvents") == 20
    assert count(clients, "KubeEvents", resource_id=REGISTRY) == 0
    assert count(clients, "ContainerRegistryRepositoryEvents", resource_id=REGISTRY.upper()) == 1
    assert count(clients, "KubeEvents", resource_id=f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg") == 20
    assert count(clients, "KubeEvents", resource_id=f"/subscriptions/{SUBSCRIPTION}") == 20
    assert count(clients, "KubeEvents", resource_id=SCALE_SET) == 0


def test_a_workspace_sees_everything(clients):
    [table] = clients.logs.query_workspace(
        WORKSPACE,
        "union withsource=T KubeEvents, ContainerRegistryRepositoryEvents | summarize n = count() by T | order by T asc",
        timespan=None,
    ).tables
    assert [tuple(row) for row in table.rows] == [("ContainerRegistryRepositoryEvents", 1), ("KubeEvents", 20)]


@pytest.mark.parametrize(
    ("timespan", "seen"),
    [
        ((START, START + timedelta(minutes=5)), 5),
        ((START + timedelta(minutes=5), timedelta(minutes=2)), 2),
        (timedelta(minutes=15), 5),
        (None, 20),
    ],
)
def test_the_timespan_restricts_time_generated(clients, timespan, seen):
    assert count(clients, "KubeEvents", timespan=timespan) == seen


def test_rows_of_the_future_have_not_arrived(azure, clients):
    later = {"TimeGenerated": NOW + timedelta(minutes=1), "_ResourceId": CLUSTER.lower(), "Reason": "Pulled"}
    azure.serve(make_world(tables={"KubeEvents": [later]}))
    try:
        assert count(clients, "KubeEvents") == 0
    finally:
        azure.serve(make_world())


@pytest.mark.parametrize("table", sorted(LOG_TABLES))
def test_every_documented_table_is_there_even_without_rows(clients, table):
    assert rows_of(clients, f"{table} | where TimeGenerated > ago(1d) | take 0") == []


def test_values_have_kustos_types_and_no_string_is_null(clients):
    query = (
        "ContainerRegistryRepositoryEvents | take 1 | project Size, DurationMs, Tag, TimeGenerated, _BilledSize, d = parse_json('{\"a\":[1]}'), "
        "s = 90m, b = true, l = long(null)"
    )
    [table] = clients.logs.query_resource(REGISTRY, query, timespan=None).tables
    assert table.columns_types == ["int", "string", "string", "datetime", "real", "dynamic", "timespan", "bool", "long"]
    assert tuple(table.rows[0]) == (4096, "12", "", START, None, '{"a":[1]}', "01:30:00", True, None)


def test_now_is_what_the_clock_says(clients):
    assert rows_of(clients, "print at = now()") == [(NOW,)]


@pytest.mark.parametrize(
    ("query", "code", "complaint"),
    [
        ("KubeEvents | wher Reason == 'x'", "SyntaxError", "Query could not be parsed at"),
        ("Nonsense | count", "SemanticError", "Failed to resolve table or column expression named 'Nonsense'"),
        ("KubeEvents | where Nonsense == 1", "SemanticError", "Failed to resolve scalar expression named 'Nonsense'"),
        ("kubeevents | count", "SemanticError", "named 'kubeevents'"),
        ("KubeEvents | where reason == 'Pulled'", "SemanticError", "named 'reason'"),
        (".drop table KubeEvents", "SyntaxError", "could not be parsed"),
        ("", "BadArgumentError", "query is required"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_in_kustos_words(clients, query, code, complaint):
    with pytest.raises(HttpResponseError, match="BadArgumentError") as caught:
        rows_of(clients, query)
    inner = caught.value.error.innererror
    assert caught.value.status_code == 400
    assert inner["code"] == code
    assert complaint in (inner.get("innererror") or inner)["message"]


def test_names_the_query_gives_itself_may_look_like_columns_in_another_case(clients):
    assert rows_of(clients, "KubeEvents | summarize count() by reason = tolower(Reason) // REASON") == [("pulled", 20)]


def test_what_the_local_engine_cannot_run_is_said_to_be_its_own_fault(clients):
    with pytest.raises(HttpResponseError, match="local engine cannot run") as caught:
        rows_of(clients, "KubeEvents | search 'x'")
    assert caught.value.status_code == 501


def test_a_timespan_that_is_none_is_refused(azure, credential):
    import requests

    token = credential.get_token("https://api.loganalytics.io/.default").token
    answer = requests.post(
        f"{azure.url}/v1{CLUSTER}/query",
        json={"query": "KubeEvents", "timespan": "yesterday"},
        headers={"Authorization": f"Bearer {token}"},
        verify=azure.ca_pem_path,
        timeout=10,
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadArgumentError")


def test_unknown_resources_and_workspaces_are_not_found(clients):
    for ask in (
        lambda: rows_of(clients, "KubeEvents", resource_id=f"{NODE_GROUP}/Microsoft.Compute/disks/nonsense"),
        lambda: clients.logs.query_workspace("00000000-0000-0000-0000-000000000000", "KubeEvents", timespan=None),
    ):
        with pytest.raises(HttpResponseError) as caught:
            ask()
        assert caught.value.status_code == 404


def test_a_batch_answers_each_query_for_itself(clients):
    good, bad = clients.logs.query_batch(
        [
            LogsBatchQuery(WORKSPACE, "KubeEvents | count", timespan=None),
            LogsBatchQuery(WORKSPACE, "Nonsense", timespan=None),
        ]
    )
    assert tuple(good.tables[0].rows[0]) == (20,)
    assert (bad.status, bad.code) == (LogsQueryStatus.FAILURE, "BadArgumentError")


@pytest.mark.parametrize("tables", [{"Nonsense": []}, {"KubeEvents": [{"Nonsense": 1}]}])
def test_a_world_with_log_columns_azure_does_not_have_is_not_served(azure, tables):
    with pytest.raises(ValueError, match="Nonsense"):
        azure.serve(make_world(tables=tables))
