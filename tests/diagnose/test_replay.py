"""Saved Cases: the same bytes out, and files of earlier versions stay readable."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.diagnose import diagnose
from shared.model import (
    CASE_VERSION,
    Case,
    Cause,
    Diagnosis,
    Severity,
    Thresholds,
    decode,
    encode,
)

DATA = Path(__file__).resolve().parents[1] / "data"
SAVED = {
    "case_v1_disk_iops.json": (Cause.DISK_IOPS, Severity.CRITICAL, "500 IOPS"),
    "case_v1_acr_throttled.json": (Cause.REGISTRY_THROTTLED, Severity.WARNING, "429"),
}
"""Cases as version 1 wrote them, cut to two nodes: never to be written anew, however Cases change."""


def verdict(case: Case) -> Diagnosis:
    return diagnose(case, Thresholds())


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / name).read_bytes())
    return found


@pytest.mark.parametrize("name", SAVED)
def test_a_case_saved_by_version_1_is_still_read_and_means_the_same(name: str) -> None:
    found = verdict(decode((DATA / name).read_bytes(), Case))
    cause, severity, said = SAVED[name]
    assert (found.cause, found.severity) == (cause, severity)
    assert found.culprit is not None
    assert said in found.culprit.evidence[0].text


def test_every_version_there_was_has_a_saved_case() -> None:
    assert {document(name)["version"] for name in SAVED} == set(range(1, CASE_VERSION + 1))


@pytest.mark.parametrize("name", SAVED)
def test_a_saved_case_gives_the_same_bytes_each_time(name: str) -> None:
    once, again = (encode(verdict(decode((DATA / name).read_bytes(), Case))) for _ in range(2))
    assert once == again


@pytest.mark.parametrize("name", SAVED)
def test_a_case_read_and_saved_again_says_the_same(name: str) -> None:
    first = decode((DATA / name).read_bytes(), Case)
    second = decode(encode(first), Case)
    assert second == first
    assert encode(verdict(second)) == encode(verdict(first))


@pytest.mark.parametrize("name", SAVED)
def test_fields_that_are_not_known_yet_are_passed_over(name: str) -> None:
    later = document(name)
    later["weather"] = {"rain": True}
    later["pool"]["colour"] = "green"
    later["pool"]["os_disk"]["smell"] = 3
    later["pulls"][0]["mood"] = []
    assert encode(verdict(msgspec.json.decode(json.dumps(later), type=Case))) == encode(verdict(decode((DATA / name).read_bytes(), Case)))


@pytest.mark.parametrize("name", SAVED)
@pytest.mark.parametrize("path", [("id",), ("pool",), ("window",), ("pool", "os_disk"), ("cluster", "id")], ids="/".join)
def test_a_case_without_something_essential_is_refused_naming_it(name: str, path: tuple[str, ...]) -> None:
    broken = document(name)
    inner = broken
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    with pytest.raises(msgspec.ValidationError, match=path[-1]):
        decode(json.dumps(broken), Case)


@pytest.mark.parametrize("size", [10, 1000, 20_000])
def test_a_case_that_was_cut_off_is_refused(size: int) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode((DATA / "case_v1_disk_iops.json").read_bytes()[:size], Case)
