"""The local Functions host over a small app with one of each trigger (``tests/host/app``)."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from local.azurite import Azurite
from local.host import LOCAL_KEY, Host, HostError

APP = Path(__file__).parent / "app"
NEVER = "0 0 0 1 1 *"


@pytest.fixture(scope="module")
def settings(azurite: Azurite) -> dict[str, str]:
    queue = f"jobs-{uuid.uuid4().hex[:8]}"
    return {"AzureWebJobsStorage": azurite.connection_string, "JOBS_QUEUE": queue, "TICK_SCHEDULE": NEVER}


@pytest.fixture(scope="module")
def host(settings: dict[str, str]) -> Iterator[Host]:
    with Host(APP, settings) as running:
        yield running


@pytest.fixture
def jobs(settings: dict[str, str]) -> str:
    return settings["JOBS_QUEUE"]


def messages_of(host: Host, function: str) -> list[str]:
    return [line.message for line in host.log if line.function == function and line.level == "INFO"]


def count_in(settings: dict[str, str], queue: str) -> int:
    with QueueClient.from_connection_string(settings["AzureWebJobsStorage"], queue) as client:
        try:
            return client.get_queue_properties().approximate_message_count or 0
        except ResourceNotFoundError:
            return 0


# --- indexing ------------------------------------------------------------------------------------


def test_every_function_of_the_app_is_found_with_its_trigger(host: Host) -> None:
    assert {name: function.trigger.type for name, function in host.functions.items()} == {
        "work": "queueTrigger", "collect": "queueTrigger", "tick": "timerTrigger", "on_event": "eventGridTrigger",
        "item": "httpTrigger", "health": "httpTrigger",
    }


def test_settings_in_percent_signs_are_filled_into_bindings(host: Host, jobs: str) -> None:
    assert host.functions["work"].trigger.properties["queueName"] == jobs
    assert host.functions["tick"].trigger.properties["schedule"] == NEVER


# --- queues --------------------------------------------------------------------------------------


def test_a_message_is_worked_on_and_what_it_puts_out_wakes_the_next_function(host: Host, jobs: str) -> None:
    host.enqueue(jobs, {"n": "chain"})
    host.drain()
    assert any('"chain"' in line for line in messages_of(host, "collect"))


def test_a_message_that_fails_once_is_tried_again_and_then_gone(host: Host, settings: dict[str, str], jobs: str) -> None:
    host.enqueue(jobs, {"n": "retry", "failures": 1})
    assert host.drain() == 1, "one message waits for its next attempt"
    assert host.drain(delayed_seconds=10) == 0
    assert [line.split(" at ")[0] for line in messages_of(host, "work") if "'retry'" in line] == ["attempt 1", "attempt 2"]
    assert count_in(settings, jobs) == 0


def test_a_message_that_always_fails_ends_in_the_poison_queue(host: Host, settings: dict[str, str], jobs: str) -> None:
    before = count_in(settings, f"{jobs}-poison")
    host.enqueue(jobs, {"n": "poison", "failures": 99})
    host.drain(delayed_seconds=20)
    assert sum("'poison'" in line for line in messages_of(host, "work")) == 3, "maxDequeueCount of host.json"
    assert count_in(settings, f"{jobs}-poison") == before + 1
    failure = next(run for run in host.invocations if "this job fails" in run.error)
    assert failure.error == "ValueError: this job fails"
    assert "function_app.py" in failure.stack_trace


def test_a_message_that_is_not_base64_goes_straight_to_the_poison_queue(host: Host, settings: dict[str, str], jobs: str) -> None:
    before = count_in(settings, f"{jobs}-poison")
    with QueueClient.from_connection_string(settings["AzureWebJobsStorage"], jobs) as client:
        client.send_message("{not base64}")
    host.drain()
    assert count_in(settings, f"{jobs}-poison") == before + 1
    assert not any("not base64" in line.message for line in host.log)


def test_a_queue_works_on_no_more_messages_at_once_than_host_json_allows(host: Host, jobs: str) -> None:
    for n in range(7):
        host.enqueue(jobs, {"n": f"crowd-{n}", "seconds": 0.1})
    host.drain()
    done = [json.loads(line) for line in messages_of(host, "collect") if "crowd" in line]
    assert len(done) == 7
    assert max(one["most"] for one in done) == 2


def test_a_direct_call_runs_a_queue_function_past_its_queue(host: Host) -> None:
    assert host.invoke("work", {"n": "direct", "failures": 1}, dequeue_count=2).succeeded
    assert host.invoke("work", {"n": "direct", "failures": 1}).error == "ValueError: this job fails"
    host.drain()


def test_draining_says_what_did_not_finish_in_time(host: Host, jobs: str) -> None:
    host.enqueue(jobs, {"n": "slow", "seconds": 1})
    with pytest.raises(TimeoutError, match="there still is work"):
        host.drain(timeout_seconds=0.3)
    host.drain()


# --- timers --------------------------------------------------------------------------------------


def test_a_timer_runs_when_told_and_a_list_it_puts_out_becomes_messages(host: Host) -> None:
    assert host.run_timer("tick", past_due=True).succeeded
    host.drain()
    assert messages_of(host, "tick")[-1] == "past due: True"
    assert {"one", "two"} <= set(messages_of(host, "collect"))


# --- HTTP ----------------------------------------------------------------------------------------


def test_a_request_reaches_its_function_with_parameters_query_and_body(host: Host) -> None:
    answer = requests.post(
        f"{host.url}/api/items/a%20b?q=%C3%BC", data=b"text", headers={"x-functions-key": LOCAL_KEY, "User-Agent": "test"}, timeout=10,
    )
    assert (answer.status_code, answer.headers["x-test"], answer.headers["content-type"]) == (201, "yes", "application/json")
    assert answer.json() == {"id": "a b", "q": "ü", "body": "text", "agent": "test"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/health", 200),
        ("GET", "/API/Health", 200),
        ("GET", "/api/items/1", 401),
        ("GET", "/api/items/1?code=wrong", 401),
        ("GET", f"/api/items/1?code={LOCAL_KEY}", 201),
        ("DELETE", f"/api/items/1?code={LOCAL_KEY}", 404),
        ("POST", "/api/health", 404),
        ("GET", f"/api/items/1/2?code={LOCAL_KEY}", 404),
        ("GET", "/health", 404),
        ("GET", f"/api/items/broken?code={LOCAL_KEY}", 500),
    ],
)
def test_routes_methods_and_keys_are_kept(host: Host, method: str, path: str, status: int) -> None:
    assert requests.request(method, host.url + path, timeout=10).status_code == status


# --- Event Grid ----------------------------------------------------------------------------------


def post_events(host: Host, body: object, kind: str = "Notification") -> requests.Response:
    return requests.post(host.event_grid_url("on_event"), json=body, headers={"aeg-event-type": kind}, timeout=10)


def test_each_event_of_a_delivery_is_one_invocation(host: Host) -> None:
    assert post_events(host, [{"id": "e1"}, {"id": "e2"}]).status_code == 202
    assert {"event e1", "event e2"} <= set(messages_of(host, "on_event"))


def test_a_single_cloud_event_is_accepted_like_an_array(host: Host) -> None:
    assert post_events(host, {"id": "cloud", "specversion": "1.0"}).status_code == 202


def test_one_failing_event_fails_the_whole_delivery(host: Host) -> None:
    answer = post_events(host, [{"id": "fine"}, {"id": "broken"}])
    assert (answer.status_code, answer.text) == (500, "ValueError: this event fails")


@pytest.mark.parametrize(
    "body",
    [
        [{"id": "v", "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "512d38b6"}}],
        {"id": "v", "specversion": "1.0", "data": '{"validationCode": "512d38b6"}'},
        {"id": "v", "specversion": "1.0", "data": {"validationCode": "512d38b6"}},
    ],
)
def test_the_validation_handshake_answers_with_the_code_in_every_schema(host: Host, body: object) -> None:
    answer = post_events(host, body, "SubscriptionValidation")
    assert (answer.status_code, answer.json()) == (200, {"validationResponse": "512d38b6"})


def test_the_cloud_events_handshake_allows_event_grid(host: Host) -> None:
    answer = requests.options(host.event_grid_url("on_event"), headers={"WebHook-Request-Origin": "eventgrid.azure.net"}, timeout=10)
    assert (answer.status_code, answer.headers["Webhook-Allowed-Origin"]) == (200, "eventgrid.azure.net")


@pytest.mark.parametrize(
    ("query", "kind", "status"),
    [
        (f"functionName=on_event&code={LOCAL_KEY}", "Unsubscribe", 202),
        (f"functionName=on_event&code={LOCAL_KEY}", "Gossip", 400),
        (f"functionName=on_event&code={LOCAL_KEY}", "SubscriptionValidation", 400),
        (f"functionName=nobody&code={LOCAL_KEY}", "Notification", 404),
        (f"functionName=work&code={LOCAL_KEY}", "Notification", 404),
        ("functionName=on_event&code=wrong", "Notification", 401),
        ("functionName=on_event", "Notification", 401),
    ],
)
def test_the_event_grid_endpoint_refuses_as_azure_does(host: Host, query: str, kind: str, status: int) -> None:
    url = f"{host.url}/runtime/webhooks/EventGrid?{query}"
    assert requests.post(url, json=[{"id": "e"}], headers={"aeg-event-type": kind}, timeout=10).status_code == status


# --- the log -------------------------------------------------------------------------------------


def test_log_lines_know_their_level_and_function(host: Host) -> None:
    invocation = host.invoke("on_event", {"id": "logged"})
    line = next(line for line in host.log if line.invocation_id == invocation.id)
    assert (line.level, line.function, line.logger, line.message) == ("INFO", "on_event", "on_event", "event logged")


def test_the_hosts_own_polling_is_not_in_the_log(host: Host) -> None:
    assert not [line for line in host.log if not line.function]


# --- one app at a time, and apps that cannot run --------------------------------------------------


def test_a_second_host_in_the_same_process_is_refused(host: Host, settings: dict[str, str]) -> None:
    with pytest.raises(HostError, match="Another local host"), Host(APP, settings):
        pass
    assert requests.get(f"{host.url}/api/health", timeout=10).status_code == 200
