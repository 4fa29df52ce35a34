"""The kubelet's words since Kubernetes 1.24, read from the sentences it was seen to write."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.collect.pulls import failure_reason, go_seconds, pull_of

WORDS = [json.loads(line) for line in (Path(__file__).parent.parent / "data" / "kubelet_events.jsonl").read_text().splitlines()]
AT = datetime(2026, 11, 24, 10, tzinfo=UTC)


def row(message: str, reason: str = "Pulled", **changes: object) -> dict[str, object]:
    return {"Message": message, "Reason": reason, "Computer": "aks-apps-12345678-vmss_10", "Namespace": "shop", "Name": "web-1",
            "FirstSeen": AT, "LastSeen": AT, "Count": 1.0} | changes


def seen(start: str) -> dict[str, object]:
    (words,) = [w for w in WORDS if w["message"].startswith(start)]
    return row(words["message"], words["reason"])


@pytest.mark.parametrize(("start", "seconds", "waiting", "size"), [
    ('Successfully pulled image "k8s.gcr.io/busybox" in 49.65', 49.657983991, None, None),
    ('Successfully pulled image "k8s.gcr.io/busybox" in 49.18', 49.18401355, 23.688, None),
    ('Successfully pulled image "nginx" in 1.2s', 1.2, 2.2, None),
    ('Successfully pulled image "mcr.microsoft.com/x/y:1"', 2.786, 613.529, 40538901),
])
def test_a_pulled_message_of_every_release_gives_its_times(start: str, seconds: float, waiting: float | None, size: int | None) -> None:
    pull = pull_of(seen(start))
    assert pull is not None
    assert (pull.seconds, pull.waiting_seconds, pull.size_bytes) == (seconds, waiting, size)
    assert (pull.node, pull.pod, pull.outcome) == ("aks-apps-12345678-vmss00000a", "shop/web-1", "pulled")


@pytest.mark.parametrize("start", [
    "Pulling image", 'Container image "nginx" already present on machine and', "Back-off pulling", "Error: ErrImagePull", "Error: ImagePullBackOff",
])
def test_messages_that_tell_of_no_finished_pull_are_left_out(start: str) -> None:
    assert pull_of(seen(start)) is None


def test_a_windows_message_that_lost_its_decimal_point_is_dropped() -> None:
    assert pull_of(seen('Successfully pulled image "win/app:1"')) is None


def test_the_prefix_that_newer_clients_print_is_skipped() -> None:
    pull = pull_of(row('spec.containers{web}: Successfully pulled image "nginx" in 1.2s (3.4s including waiting)'))
    assert pull is not None
    assert pull.image == "nginx"


@pytest.mark.parametrize(("start", "reason"), [
    ('Failed to pull image "myacr.azurecr.io/app:1": pull QPS exceeded', "kubelet_qps"),
    ('Failed to pull image "mcr.microsoft.com/a/b:1"', "throttled"),
    ('Failed to pull image "myacr.azurecr.io/app:1": toomanyrequests', "throttled"),
    ('Failed to pull image "myacr.azurecr.io/hub/nginx:1"', "throttled"),
])
def test_a_failed_pull_keeps_the_reason_in_the_registrys_words(start: str, reason: str) -> None:
    pull = pull_of(seen(start))
    assert pull is not None
    assert (pull.outcome, pull.reason) == ("failed", reason)
    assert pull.message


@pytest.mark.parametrize(("why", "reason"), [
    ("failed to resolve reference: not found", "not_found"),
    ("failed to authorize: 401 Unauthorized", "denied"),
    ("dial tcp 20.1.2.3:443: i/o timeout", "timeout"),
    ("something new", "other"),
])
def test_other_failures_are_told_apart(why: str, reason: str) -> None:
    assert failure_reason(why) == reason


def test_a_repeated_failure_keeps_its_count_and_when_it_began() -> None:
    first = datetime(2026, 11, 24, 9, 50, tzinfo=UTC)
    pull = pull_of(row('Failed to pull image "a.azurecr.io/x:1": 429 Too Many Requests', "Failed", Count=5.0, FirstSeen=first))
    assert pull is not None
    assert (pull.count, pull.first_at, pull.at) == (5, first, AT)


@pytest.mark.parametrize(("text", "seconds"), [
    ("1h2m3.5s", 3723.5), ("870ms", 0.87), ("1m0s", 60), ("250µs", 0.00025), ("10", None), ("soon", None), ("", None),
])
def test_durations_are_gos(text: str, seconds: float | None) -> None:
    assert go_seconds(text) == seconds
