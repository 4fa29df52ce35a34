"""Pages over HTTP: for whoever holds the signed link, for a while, and with headers that keep them in."""

import gzip
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest
from msgspec.structs import replace

import functions.web
from local.azurite import Azurite
from shared import services as services_module
from shared.flow import outgoing, reports
from shared.model import Case, Cause, Incident, Notice, Severity, decode, encode
from shared.report.links import FLEET, report_page, sign
from shared.report.message import build_message
from shared.services import Services, links
from shared.settings import Secret, Settings
from shared.watch.state import PoolState
from shared.watch.store import Row
from tests.diagnose.cases import CLUSTER, STORM, case
from tests.report.samples import DISK_IOPS, notice

KEY = "sixteen characters and more"
NOW = datetime(2026, 11, 24, 10, 42, tzinfo=UTC)
KEPT = replace(case(storm=STORM), id="served-1")


@pytest.fixture(scope="module")
def app(azurite: Azurite) -> Services:
    settings = Settings(storage_connection_string=Secret(azurite.connection_string), public_url="https://app.example", link_secret=Secret(KEY))
    app = Services(settings, clock=lambda: NOW)
    app.save_blob(f"cases/{KEPT.id}.json", encode(KEPT))
    return app


def token(page: str = report_page(KEPT.id), at: datetime = NOW) -> str:
    return sign(KEY, page, at)


def test_a_valid_link_shows_the_report(app: Services) -> None:
    page = reports.report(app, KEPT.id, token())
    assert (page.status, page.content_type) == (200, "text/html; charset=utf-8")
    assert b"OS disk is the bottleneck" in page.body


def test_the_page_links_to_its_case_and_that_can_be_downloaded(app: Services) -> None:
    assert f"?token={token()}&amp;as=case".encode() in reports.report(app, KEPT.id, token()).body
    page = reports.report(app, KEPT.id, token(), as_case=True)
    assert page.headers["Content-Disposition"] == 'attachment; filename="pullwatch-case-served-1.json.gz"'
    assert decode(gzip.decompress(page.body), Case) == KEPT


@pytest.mark.parametrize(("report_id", "page_token", "status", "words"), [
    (KEPT.id, token(at=NOW - timedelta(hours=169)), 410, b"expired"),
    (KEPT.id, token()[:-1] + "x", 403, b"not valid"),
    (KEPT.id, "", 403, b"not valid"),
    (KEPT.id, token(report_page("another")), 403, b"not valid"),
    ("gone", token(report_page("gone")), 404, b"no such report"),
    ("../notices/n", token(report_page("../notices/n")), 404, b"no such report"),
])
def test_any_other_link_says_why_not(app: Services, report_id: str, page_token: str, status: int, words: bytes) -> None:
    for as_case in (False, True):
        page = reports.report(app, report_id, page_token, as_case=as_case)
        assert page.status == status
        assert words in page.body
        assert page.content_type.startswith("text/html")


def test_without_a_key_no_link_opens_anything(app: Services) -> None:
    keyless = Services(replace(app.settings, link_secret=Secret("")), clock=lambda: NOW)
    page = reports.report(keyless, KEPT.id, sign("", report_page(KEPT.id), NOW))
    assert page.status == 404
    assert b"switched off" in page.body


@pytest.mark.parametrize("page_token", [token(), "nonsense"])
def test_every_answer_keeps_the_page_in(app: Services, page_token: str) -> None:
    headers = reports.report(app, KEPT.id, page_token).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert {name: headers[name] for name in ("X-Content-Type-Options", "Referrer-Policy", "Cache-Control")} == {
        "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}


def test_the_fleet_links_to_the_report_of_an_open_incident(app: Services) -> None:
    told = notice(replace(DISK_IOPS, id=KEPT.id), id="told-1")
    outgoing.save_content(app, told)
    incident = Incident("i-1", CLUSTER.id, "apps", Cause.DISK_IOPS, Severity.CRITICAL, NOW, NOW)
    app.store.put_pool(CLUSTER.id, Row(PoolState("apps", capacity=10, incident=incident, notice_id="told-1", assessed_at=NOW), None))
    page = reports.fleet(app, token(FLEET))
    assert page.status == 200
    assert b"prod-weu / apps" in page.body
    assert f'href="https://app.example/api/reports/{KEPT.id}?token={token()}"'.encode() in page.body


def test_a_reports_link_does_not_open_the_fleet(app: Services) -> None:
    assert reports.fleet(app, token()).status == 403


@pytest.fixture
def door(app: Services, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setattr(services_module, "services", lambda: app)
    return app


def asked(function: Any, method: str, **params: str) -> func.HttpResponse:
    request = func.HttpRequest(method, "https://app.example/api/reports/x", params=params, route_params={"id": KEPT.id}, body=b"")
    answer: func.HttpResponse = function._function.get_user_function()(request)
    return answer


def test_head_answers_like_get_without_a_body(door: Services) -> None:
    got, head = (asked(functions.web.report, method, token=token()) for method in ("GET", "HEAD"))
    assert (got.status_code, head.status_code) == (200, 200)
    assert head.get_body() == b""
    assert dict(got.headers) == dict(head.headers)
    assert got.headers["Content-Type"] == "text/html; charset=utf-8"


def test_no_token_and_no_key_is_logged(door: Services, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bad = token()[:-2]
    for page_token in (token(), bad):
        asked(functions.web.report, "GET", token=page_token)
    logged = caplog.text
    assert not any(secret in logged for secret in (token(), bad, KEY))


def test_a_message_holds_the_link_to_its_report(app: Services) -> None:
    told: Notice = notice(replace(DISK_IOPS, id=KEPT.id))
    message = build_message(told, links(app.settings, told, NOW))
    report = next(link for link in message.links if link.title == "Open report")
    assert report.url == f"https://app.example/api/reports/{KEPT.id}?token={token()}"
    nowhere = replace(app.settings, public_url="")
    assert [link.title for link in build_message(told, links(nowhere, told, NOW)).links] == ["Node pool"]
