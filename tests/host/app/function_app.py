"""A small function app with one of each trigger that the local host plays."""

import json
import logging
import threading
import time
import typing

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
at_once = {"now": 0, "most": 0}
counting = threading.Lock()


@app.queue_trigger(arg_name="message", queue_name="%JOBS_QUEUE%", connection="AzureWebJobsStorage")
@app.queue_output(arg_name="results", queue_name="results", connection="AzureWebJobsStorage")
def work(message: func.QueueMessage, results: func.Out[str], context: func.Context) -> None:
    """Does what its message says: fail always, fail at first, sleep, or pass it on."""
    job = message.get_json()
    logging.getLogger("work").info("attempt %d at %s as %s", message.dequeue_count, job, context.function_name)
    with counting:
        at_once["now"] += 1
        at_once["most"] = max(at_once.values())
    try:
        time.sleep(job.get("seconds", 0))
        if message.dequeue_count <= job.get("failures", 0):
            raise ValueError("this job fails")
    finally:
        with counting:
            at_once["now"] -= 1
    results.set(json.dumps({"done": job, "most": at_once["most"]}))


@app.queue_trigger(arg_name="message", queue_name="results", connection="AzureWebJobsStorage")
def collect(message: func.QueueMessage) -> None:
    logging.getLogger("collect").info("%s", message.get_body().decode())


@app.timer_trigger(arg_name="timer", schedule="%TICK_SCHEDULE%", use_monitor=False)
@app.queue_output(arg_name="results", queue_name="results", connection="AzureWebJobsStorage")
async def tick(timer: func.TimerRequest, results: func.Out[typing.List[str]]) -> None:  # noqa: UP006  # list[str] fails indexing
    logging.getLogger("tick").info("past due: %s", timer.past_due)
    results.set(["one", "two"])


@app.event_grid_trigger(arg_name="event")
def on_event(event: str) -> None:
    body = json.loads(event)
    if body["id"] == "broken":
        raise ValueError("this event fails")
    logging.getLogger("on_event").info("event %s", body["id"])


@app.route(route="items/{id}", methods=["GET", "POST"])
def item(req: func.HttpRequest) -> func.HttpResponse:
    if req.route_params["id"] == "broken":
        raise ValueError("this request fails")
    seen = {"id": req.route_params["id"], "q": req.params.get("q"), "body": req.get_body().decode(), "agent": req.headers.get("user-agent")}
    return func.HttpResponse(json.dumps(seen), status_code=201, mimetype="application/json", headers={"x-test": "yes"})


@app.route(route="health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("well")
