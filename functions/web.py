"""HTTP: is the app well, "look at this pool now", and the pages that links in messages lead to."""

import json
from typing import TYPE_CHECKING

import azure.functions as func

if TYPE_CHECKING:
    from shared.flow.reports import Page

web = func.Blueprint()


@web.route(route="health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> func.HttpResponse:
    """200 and ``{"status": "ok"}``, or 503 and what is wrong in one sentence."""
    from shared.health import health_report

    report = health_report()
    return _json(report, 200 if report["status"] == "ok" else 503)


@web.route(route="assess", methods=["POST"])
def request_assessment(req: func.HttpRequest) -> func.HttpResponse:
    """Body ``{"cluster": RESOURCE_ID, "pool": NAME}``: 202 once the assessment is queued."""
    from shared.errors import Permanent
    from shared.flow.wake import request_assessment as run
    from shared.services import services

    try:
        return _json({"queued": run(services(), req.get_body())}, 202)
    except Permanent as refusal:
        return _json({"error": str(refusal)}, 400)


@web.route(route="reports/{id}", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
def report(req: func.HttpRequest) -> func.HttpResponse:
    """A report's page to who holds its signed link; with ``as=case`` the Case behind it."""
    from shared.flow.reports import report as run
    from shared.services import services

    token, as_case = req.params.get("token", ""), req.params.get("as") == "case"
    return _html(run(services(), req.route_params.get("id", ""), token, as_case=as_case), req)


@web.route(route="fleet", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
def fleet(req: func.HttpRequest) -> func.HttpResponse:
    """All watched pools, to who holds a signed link (``pullwatch.py link``)."""
    from shared.flow.reports import fleet as run
    from shared.services import services

    return _html(run(services(), req.params.get("token", "")), req)


def _html(page: "Page", req: func.HttpRequest) -> func.HttpResponse:
    body = b"" if req.method == "HEAD" else page.body
    return func.HttpResponse(body, status_code=page.status, headers=page.headers | {"Content-Type": page.content_type}, mimetype=page.content_type)


def _json(body: object, status: int) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(body), status_code=status, mimetype="application/json")
