"""HTTP: is the app well, and "look at this pool now"."""

import json

import azure.functions as func

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


def _json(body: object, status: int) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(body), status_code=status, mimetype="application/json")
