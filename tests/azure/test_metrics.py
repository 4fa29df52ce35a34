"""Metrics, through the batch API by its client and through Resource Manager."""

from datetime import timedelta

import pytest
import requests
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from local.azure import LocalAzure
from tests.azure.conftest import (
    FAR_SCALE_SET,
    LOAD_BALANCER,
    NOW,
    OTHER_SCALE_SET,
    REGISTRY,
    SCALE_SET,
    START,
    SUBSCRIPTION,
    SYSTEM_SCALE_SET,
    Clients,
    make_world,
    series,
    vm,
)

NAMESPACE = "Microsoft.Compute/virtualMachineScaleSets"
MINUTE = timedelta(minutes=1)
TEN_MINUTES = (START, START + 10 * MINUTE)


def batch(
    clients,
    *names,
    ids=(SCALE_SET,),
    namespace=NAMESPACE,
    timespan=TEN_MINUTES,
    granularity=MINUTE,
    aggregations=("average",),
    **more,
):
    return clients.metrics.query_resources(
        resource_ids=list(ids),
        metric_namespace=namespace,
        metric_names=list(names),
        timespan=timespan,
        granularity=granularity,
        aggregations=list(aggregations),
        **more,
    )


def only(results):
    [result] = results
    [metric] = result.metrics
    return metric


@pytest.fixture
def get_metrics(azure, credential):
    token = credential.get_token("https://management.azure.com/.default").token

    def ask(resource_id, what="metrics", **params):
        params = {
            "api-version": "2024-02-01",
            "timespan": "2026-08-20T10:00:00Z/2026-08-20T10:05:00Z",
            "interval": "PT1M",
        } | params
        return requests.get(
            f"{azure.url}{resource_id}/providers/Microsoft.Insights/{what}",
            params=params,
            headers={"Authorization": f"Bearer {token}"},
            verify=azure.ca_pem_path,
            timeout=10,
        )

    return ask


# --- what comes back -----------------------------------------------------------------------------


def test_without_a_filter_there_is_one_series_averaged_over_all_instances(clients):
    metric = only(batch(clients, "percentage cpu"))
    [one] = metric.timeseries
    assert (metric.name, metric.unit, one.metadata_values) == ("Percentage CPU", "Percent", {})
    assert [point.average for point in one.data] == [5.5] * 10
    assert one.data[0].timestamp == START


def test_totals_are_summed_over_instances_and_minutes(clients):
    metric = only(batch(clients, "Network In Total", granularity=5 * MINUTE, aggregations=["total", "average"]))
    assert [(point.total, point.average) for point in metric.timeseries[0].data] == [(6000.0, None)] * 2


def test_a_filter_splits_by_instance_with_lower_case_dimension_names(clients):
    metric = only(batch(clients, "Percentage CPU", filter=f"VMName eq '{vm(3)}' or vmname eq '{vm(11).upper()}'"))
    assert [each.metadata_values for each in metric.timeseries] == [{"vmname": vm(3)}, {"vmname": vm(11)}]
    assert metric.timeseries[1].data[0].average == 11.0


def test_a_wildcard_filter_gives_ten_series_unless_more_are_asked_for(clients):
    assert len(only(batch(clients, "Percentage CPU", filter="VMName eq '*'")).timeseries) == 10
    assert len(only(batch(clients, "Percentage CPU", filter="VMName eq '*'", max_results=1000)).timeseries) == 12


def test_the_worst_instance_comes_first_when_ordered(clients):
    [worst] = only(
        batch(clients, "Percentage CPU", filter="VMName eq '*'", order_by="average desc", max_results=1)
    ).timeseries
    assert worst.metadata_values == {"vmname": vm(11)}


def test_rolling_up_merges_what_the_filter_picked(clients):
    [merged] = only(
        batch(clients, "Percentage CPU", filter=f"VMName eq '{vm(3)}' or VMName eq '{vm(5)}'", roll_up_by="VMName")
    ).timeseries
    assert merged.data[0].average == 4.0


def test_two_dimensions_can_be_asked_at_once(clients):
    metric = only(
        batch(
            clients,
            "SnatConnectionCount",
            ids=[LOAD_BALANCER],
            namespace="Microsoft.Network/loadBalancers",
            aggregations=["total"],
            filter="ConnectionState eq 'failed' and BackendIPAddress eq '*'",
        )
    )
    [failed] = metric.timeseries
    assert failed.metadata_values == {"backendipaddress": "10.0.0.4", "connectionstate": "Failed"}
    assert failed.data[0].total == 3.0


def test_a_filter_that_matches_nothing_gives_no_series(clients):
    assert only(batch(clients, "Percentage CPU", filter="VMName eq 'nonsense'")).timeseries == []


def test_gaps_are_points_without_a_value_and_percentages_may_pass_100(get_metrics):
    data = get_metrics(SCALE_SET, metricnames="OS Disk IOPS Consumed Percentage", aggregation="Average").json()[
        "value"
    ][0]["timeseries"][0]["data"]
    assert data[:3] == [
        {"timeStamp": "2026-08-20T10:00:00Z", "average": 1.0},
        {"timeStamp": "2026-08-20T10:01:00Z"},
        {"timeStamp": "2026-08-20T10:02:00Z", "average": 101.0},
    ]


def test_future_minutes_are_there_and_empty(clients):
    data = only(batch(clients, "Percentage CPU", timespan=(NOW - 2 * MINUTE, NOW + 3 * MINUTE))).timeseries[0].data
    assert [point.average for point in data] == [5.5, 5.5, None, None, None]


def test_slots_start_at_the_start_cut_to_the_minute(clients):
    data = (
        only(
            batch(
                clients,
                "Percentage CPU",
                granularity=5 * MINUTE,
                timespan=(START + timedelta(minutes=2, seconds=59), START + 12 * MINUTE),
            )
        )
        .timeseries[0]
        .data
    )
    assert [point.timestamp for point in data] == [START + 2 * MINUTE, START + 7 * MINUTE]


def test_an_aggregation_the_metric_does_not_have_stays_empty(clients):
    point = only(batch(clients, "Percentage CPU", aggregations=["average", "maximum"])).timeseries[0].data[0]
    assert (point.average, point.maximum) == (5.5, None)


def test_a_resource_that_reports_nothing_has_one_empty_series(clients):
    data = only(batch(clients, "Percentage CPU", ids=[SYSTEM_SCALE_SET])).timeseries[0].data
    assert len(data) == 10
    assert {point.average for point in data} == {None}


def test_many_resources_come_in_the_order_asked(clients):
    results = batch(clients, "Percentage CPU", "OS Disk Queue Depth", ids=[SYSTEM_SCALE_SET, SCALE_SET])
    assert [result.metrics[0].id.partition("/providers/Microsoft.Insights")[0] for result in results] == [
        SYSTEM_SCALE_SET,
        SCALE_SET,
    ]
    assert (results[0].namespace, results[0].resource_region) == (NAMESPACE.lower(), "swedencentral")


def test_the_newest_minutes_arrive_late_each_series_in_its_own_time(credential, azure):
    world = make_world(metrics=[series("Percentage CPU", [1.0] * 60, VMName=vm(n)) for n in range(50)])
    with LocalAzure(world, clock=lambda: NOW, metrics_lag_seconds=180) as late:
        clients = Clients(late, _credential_of(late))
        newest = []
        for each in only(
            batch(clients, "Percentage CPU", timespan=(START, NOW), filter="VMName eq '*'", max_results=50)
        ).timeseries:
            newest.append(max(point.timestamp for point in each.data if point.average is not None))
        clients.close()
    assert min(newest) == NOW - 4 * MINUTE
    assert max(newest) >= NOW - 2 * MINUTE


def test_definitions_tell_names_units_aggregations_and_dimensions(get_metrics):
    found = {each["name"]["value"]: each for each in get_metrics(SCALE_SET, "metricDefinitions").json()["value"]}
    assert len(found) == 64
    disk = found["OS Disk Bandwidth Consumed Percentage"]
    assert (disk["unit"], disk["supportedAggregationTypes"], [each["value"] for each in disk["dimensions"]]) == (
        "Percent",
        ["Average"],
        ["LUN", "VMName"],
    )
    assert disk["metricAvailabilities"][0] == {"timeGrain": "PT1M", "retention": "P93D"}


def test_resource_manager_answers_in_its_own_shape(get_metrics):
    body = get_metrics(
        SCALE_SET,
        metricnames="Percentage CPU,Network In Total",
        aggregation="Average,Total",
        **{"$filter": "VMName eq '*'", "top": "2"},
    ).json()
    assert list(body) == ["cost", "timespan", "interval", "value", "namespace", "resourceregion"]
    assert (body["timespan"], body["interval"]) == ("2026-08-20T10:00:00Z/2026-08-20T10:05:00Z", "PT1M")
    assert [len(value["timeseries"]) for value in body["value"]] == [2, 2]
    assert body["value"][0]["timeseries"][0]["metadatavalues"] == [
        {"name": {"value": "vmname", "localizedValue": "vmname"}, "value": vm(0)}
    ]
    assert body["value"][0]["errorCode"] == "Success"


def test_one_point_for_the_whole_timespan_is_asked_for_by_full(get_metrics):
    [point] = get_metrics(SCALE_SET, metricnames="Network In Total", interval="FULL").json()["value"][0]["timeseries"][
        0
    ]["data"]
    assert point["total"] == 12 * 5 * 100.0


# --- what is refused -----------------------------------------------------------------------------


def test_one_unknown_metric_fails_the_whole_call_and_lists_the_valid_ones(clients, get_metrics):
    with pytest.raises(
        HttpResponseError,
        match=r"Failed to find metric configuration for provider: Microsoft.Compute, resource Type: virtualMachineScaleSets, metric: Nonsense, Valid metrics: Available Memory Bytes,",
    ) as caught:
        batch(clients, "Percentage CPU", "Nonsense")
    assert caught.value.status_code == 400
    body = get_metrics(SCALE_SET, metricnames="Nonsense").json()
    assert body["code"] == "BadRequest"
    assert "error" not in body


def test_a_dimension_the_metric_does_not_have_is_refused(clients):
    with pytest.raises(
        HttpResponseError,
        match="OS Disk Queue Depth does not support requested dimension combination: lun, supported ones are: VMName, TraceId",
    ):
        batch(clients, "OS Disk Queue Depth", filter="LUN eq '*'")


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"filter": "VMName eq 'a' or LUN eq '0'"}, "cannot separate two different"),
        ({"filter": "VMName like 'a'"}, "Invalid filter"),
        (
            {"granularity": timedelta(minutes=3)},
            "Invalid time grain duration: PT3M, supported ones are: 00:01:00,00:05:00",
        ),
        ({"aggregations": ["median"]}, "median is not supported"),
        ({"order_by": "average desc, total asc"}, "Invalid orderby"),
    ],
)
def test_a_malformed_question_is_refused(clients, more, complaint):
    with pytest.raises(HttpResponseError, match=complaint) as caught:
        batch(clients, "OS Disk IOPS Consumed Percentage", **more)
    assert caught.value.status_code == 400


def test_a_timespan_that_ends_before_it_starts_is_refused(get_metrics):
    answer = get_metrics(SCALE_SET, metricnames="Percentage CPU", timespan="2026-08-20T10:05:00Z/2026-08-20T10:00:00Z")
    assert answer.status_code == 400
    assert "not earlier" in answer.json()["message"]


def test_a_grain_finer_than_the_metric_is_refused(clients):
    with pytest.raises(HttpResponseError, match="can not support requested time grain: 00:01:00"):
        batch(clients, "StorageUsed", ids=[REGISTRY], namespace="Microsoft.ContainerRegistry/registries")


def test_more_than_twenty_metrics_are_refused(clients):
    with pytest.raises(HttpResponseError, match="Requested metrics count: 21 bigger than allowed max: 20"):
        batch(clients, *["Percentage CPU"] * 21)


def test_more_than_fifty_resources_are_refused(clients):
    with pytest.raises(HttpResponseError, match="51"):
        batch(clients, "Percentage CPU", ids=[f"{SCALE_SET}{n}" for n in range(51)])


@pytest.mark.parametrize("stranger", [OTHER_SCALE_SET, FAR_SCALE_SET, REGISTRY])
def test_resources_of_another_subscription_region_or_type_are_refused(clients, stranger):
    with pytest.raises(HttpResponseError) as caught:
        batch(clients, "Percentage CPU", ids=[SCALE_SET, stranger])
    assert caught.value.status_code == 400


def test_the_endpoint_of_another_region_does_not_answer(clients):
    clients.metrics = clients.metrics_of("westus")
    with pytest.raises(HttpResponseError, match="region of the endpoint"):
        batch(clients, "Percentage CPU")


def test_an_unknown_resource_is_not_found(clients):
    with pytest.raises(ResourceNotFoundError, match="ResourceNotFound"):
        batch(clients, "Percentage CPU", ids=[SCALE_SET + "x"])


def test_an_unknown_api_version_is_refused(clients, get_metrics):
    clients.metrics = clients.metrics_of(api_version="1999-01-01")
    with pytest.raises(HttpResponseError, match="api-version"):
        batch(clients, "Percentage CPU")
    assert (
        get_metrics(SCALE_SET, metricnames="Percentage CPU", **{"api-version": ""}).json()["error"]["code"]
        == "MissingApiVersionParameter"
    )


def test_the_list_of_resources_must_be_spelled_in_lower_case(azure, credential):
    token = credential.get_token("https://metrics.monitor.azure.com/.default").token
    answer = requests.post(
        f"{azure.url}/subscriptions/{SUBSCRIPTION}/metrics:getBatch",
        json={"resourceIds": [SCALE_SET]},
        headers={"Authorization": f"Bearer {token}"},
        params={"api-version": "2024-02-01", "metricnamespace": NAMESPACE, "metricnames": "Percentage CPU"},
        verify=azure.ca_pem_path,
        timeout=10,
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (series("Nonsense", [1.0]), "documents no metric 'Nonsense'"),
        (series("Percentage CPU", [1.0], aggregation="Total"), "stored as average"),
        (series("Percentage CPU", [1.0], Colour="red"), "no dimension colour"),
    ],
)
def test_a_world_with_metrics_azure_does_not_have_is_not_served(azure, wrong, complaint):
    with pytest.raises(ValueError, match=complaint):
        azure.serve(make_world(metrics=[wrong]))


def _credential_of(azure: LocalAzure):
    from tests.azure.conftest import StaticCredential

    issued = requests.get(
        azure.environ["IDENTITY_ENDPOINT"],
        params={"api-version": "2019-08-01", "resource": "https://metrics.monitor.azure.com"},
        headers={"X-IDENTITY-HEADER": azure.environ["IDENTITY_HEADER"]},
        timeout=10,
    )
    return StaticCredential(issued.json()["access_token"])
