"""One incident from event to message, on this machine: ``make demo``.

Starts Azurite (storage), the local Azure, receivers for Teams, Slack and a webhook, and the local
Functions host with the real function app; posts the Event Grid events of a scenario; shows what arrives.
"""

import argparse
import copy
import gzip
import math
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import requests
from msgspec.structs import replace

from local.azure import LocalAzure
from local.azurite import Azurite
from local.host import LOCAL_KEY, Host, LogLine
from local.preview import preview_text, write_html
from local.receivers import Received, Receivers
from local.world import SCENARIOS, build
from local.world.types import TimedEvent, World
from shared.diagnose import diagnose
from shared.model import Case, Cause, Thresholds, decode
from shared.report.message import Links
from shared.report.page import render_report

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "out"
PATIENCE_SECONDS = 60.0
PLAYING_MINUTES = 2
"""The window ends when the pool is looked at, at most so long after the world was made: what is usual lies before its story."""
REPORT_LINK = re.compile(r"https://pullwatch\.contoso\.example(/api/reports/[\w-]+\?token=[\w.-]+)")
WATCHED = {
    "PULLWATCH_BASELINE_HOURS": "6",
    "PULLWATCH_METRICS_LAG_SECONDS": "0",
    "PULLWATCH_GROUP_WAIT_SECONDS": "0",
    "PULLWATCH_GROUP_INTERVAL_SECONDS": "0",
    "PULLWATCH_WATCH_INTERVAL_SECONDS": "2",
    "PULLWATCH_SCALE_OUT_MINUTES": "0.05",
    "PULLWATCH_PUBLIC_URL": "https://pullwatch.contoso.example",
    "PULLWATCH_LINK_SECRET": secrets.token_urlsafe(),
    "PULLWATCH_SWEEP_SCHEDULE": "0 0 0 1 1 *",
    "PULLWATCH_TIDY_SCHEDULE": "0 0 0 1 1 *",
}
"""Real time scales down to a demo: no waiting for metrics to arrive, a look every two seconds."""


class Stage:
    """Everything that runs during the demo."""

    key = LOCAL_KEY

    def __init__(self, world: World, azure: LocalAzure, receivers: Receivers, host: Host, connection_string: str) -> None:
        self.world = world
        self.connection_string = connection_string
        self.azure = azure
        self.receivers = receivers
        self.host = host


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--scenario", default="disk-iops", help=", ".join(SCENARIOS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="leave it all running to play with")
    options = parser.parse_args(arguments)
    if options.scenario not in SCENARIOS:
        print(f"There is no scenario {options.scenario!r}; there are: {', '.join(SCENARIOS)}.", file=sys.stderr)
        return 2
    return run(options.scenario, options.seed, keep=options.keep)


def run(scenario: str, seed: int = 0, *, keep: bool = False) -> int:
    """Plays the scenario; 0 if every receiver was told the true cause."""
    world = build(scenario, seed, datetime.now(UTC))
    print(f"\n{scenario}: {world.description}\n")
    with stage(world) as on:
        play(on)
        right = report(on)
        if keep:
            _leave_running(on)
    return 0 if right else 1


@contextmanager
def stage(world: World, settings: dict[str, str] | None = None) -> Iterator[Stage]:
    """Storage, Azure, receivers and host, all real, all on this machine."""
    with ExitStack() as stack:
        with _step("storage emulator (Azurite)"):
            azurite = stack.enter_context(Azurite())
        with _step("local Azure: Resource Graph, Compute, Monitor, Log Analytics"):
            azure = stack.enter_context(LocalAzure(world, metrics_lag_seconds=0))
        receivers = stack.enter_context(Receivers())
        minutes = (world.end - world.window_start).total_seconds() / 60
        environ = {**azure.environ, **receivers.environment, **WATCHED, "PULLWATCH_WINDOW_MINUTES": str(math.ceil(minutes) + PLAYING_MINUTES), "AzureWebJobsStorage": azurite.connection_string, **(settings or {})}
        bundle = Path(azure.ca_pem_path).with_name("bundle.pem")
        bundle.write_text(Path(azure.ca_pem_path).read_text() + receivers.ca_file.read_text())
        with _step("Functions host with the real function_app.py"):
            host = stack.enter_context(Host(ROOT, environ | {"REQUESTS_CA_BUNDLE": str(bundle)}))
        yield Stage(world, azure, receivers, host, azurite.connection_string)


@contextmanager
def _step(what: str) -> Iterator[None]:
    print(f"  starting {what} … ", end="", flush=True)
    start = time.monotonic()
    yield
    print(f"{time.monotonic() - start:.1f} s", flush=True)


# --- the play ---


def play(on: Stage) -> None:
    """The scenario's events, as Event Grid would post them; waits for what they cause."""
    if not any("NodePoolRolling" in _type(event) for event in on.world.events):
        _screen(on)
    for event in on.world.events:
        if _type(event).endswith(("Succeeded", "Failed")):
            _wait_for_a_diagnosis(on)
        _say(f"event {_type(event)} of {event.at:%H:%M} UTC → {_post(on, event)}")
    if not on.world.events:
        _ask_for_it(on)
    _wait_for_a_diagnosis(on)
    _let_time_end_it(on)
    on.host.drain(PATIENCE_SECONDS, delayed_seconds=3)  # a receiver is told one message a second


def _screen(on: Stage) -> None:
    """The timer's look at all pools, which also remembers how many nodes each has: what has grown is known by that."""
    if on.world.events:
        on.azure.serve(_before(on.world))
    _say("the screening sees the pool for the first time")
    on.host.run_timer("sweep")
    on.azure.serve(on.world)
    on.host.drain(PATIENCE_SECONDS)


def _ask_for_it(on: Stage) -> None:
    """Nothing happened that Azure tells of: somebody asks for a look at the pool."""
    truth = on.world.truths[0]
    answer = requests.post(f"{on.host.url}/api/assess", json={"cluster": truth.cluster_id, "pool": truth.pool},
                           headers={"x-functions-key": on.key}, timeout=30)
    _say(f"POST /api/assess → {answer.status_code}")


def _before(world: World) -> World:
    """The same world before it scaled: only then is a scale-out one."""
    resources = copy.deepcopy(world.resources)
    for resource in resources:
        if resource["type"].endswith("/virtualmachinescalesets"):
            resource["sku"]["capacity"] = max(1, resource["sku"]["capacity"] // 4)
    return replace(world, resources=resources)


def _post(on: Stage, event: TimedEvent) -> str:
    """Upgrade events go to the Event Grid trigger, scale-set writes through the storage queue: both doors."""
    if "ContainerService" in _type(event):
        header = {"aeg-event-type": "Notification"}
        answer = requests.post(on.host.event_grid_url("on_azure_event"), json=[event.body], headers=header, timeout=30)
        return f"Event Grid trigger, {answer.status_code}"
    on.host.enqueue("azure-events", event.body)
    on.host.drain(PATIENCE_SECONDS)
    return "storage queue"


def _type(event: TimedEvent) -> str:
    return str(event.body.get("type") or event.body.get("eventType"))


def _wait_for_a_diagnosis(on: Stage) -> None:
    """Until one more assessment has run to its end, and told whom it had to tell."""
    before = _assessments(on)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _assessments(on) == before and time.monotonic() < deadline:
        if on.host.drain(PATIENCE_SECONDS) == 0:
            return
        time.sleep(0.2)
    on.host.drain(PATIENCE_SECONDS)


def _let_time_end_it(on: Stage) -> None:
    """Azure tells no end of a scale-out: the housekeeping finds that it is over."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while on.host.drain(PATIENCE_SECONDS) and time.monotonic() < deadline:
        on.host.run_timer("tidy")
        time.sleep(0.5)


def _assessments(on: Stage) -> int:
    return sum(run.function == "assess" for run in on.host.invocations)


# --- what came of it ---


def report(on: Stage) -> bool:
    """Prints the messages and where to look; whether the true cause was told to all."""
    OUT.mkdir(exist_ok=True)
    for line in _told(on.host.log):
        _say(line)
    chats = [r for r in on.receivers.received if r.kind in ("teams", "slack")]
    print("\n" + preview_text(_first_and_last(chats)))
    page = write_html(on.receivers.received, OUT / "messages.html")
    webhook = OUT / "webhook.json"
    webhook.write_bytes(msgspec.json.format(b"[" + b",".join(r.body for r in on.receivers.of("webhook")) + b"]"))
    truth, found = on.world.truths[0].cause, _diagnosed(on.receivers.of("webhook"))
    right = truth in found if found else truth == Cause.HEALTHY
    print(f"The truth of this scenario: {truth}. Diagnosed: {', '.join(found) or 'healthy, nobody was told'}. {'Right.' if right else 'WRONG.'}")
    report_page = write_report(on, OUT / "report.html")
    print(f"Messages as the chats show them: {page}\nWhat programs receive:          {webhook}")
    if report_page:
        print(f"The report they link to:         {report_page}")
    return right


def write_report(on: Stage, path: Path) -> Path | None:
    """The report behind the first message that links to one, as a file that carries its Case. None: none does."""
    bodies = [r.body.decode() for r in on.receivers.received if r.kind in ("teams", "slack")]
    link = next((found for body in bodies if (found := REPORT_LINK.search(body))), None)
    if link is None:
        return None
    served = on.host.url + link[1]
    requests.get(served, timeout=30).raise_for_status()
    case = decode(gzip.decompress(requests.get(f"{served}&as=case", timeout=30).content), Case)
    limits = Thresholds()
    page = render_report(case, diagnose(case, limits), limits, Links(), made_at=datetime.now(UTC))
    path.write_text(page, encoding="utf-8")
    return path


def _told(log: Sequence[LogLine]) -> list[str]:
    return [line.message for line in log if line.logger == "pullwatch"]


def _diagnosed(events: Sequence[Received]) -> list[str]:
    """The causes told, in order, each once."""
    causes = [str(event.json["data"]["diagnosis"]["cause"]) for event in events]
    return list(dict.fromkeys(causes))


def _first_and_last(chats: Sequence[Received]) -> list[Received]:
    """The opening message in both chats, and the closing one in one."""
    firsts = [next((r for r in chats if r.kind == kind), None) for kind in ("teams", "slack")]
    shown = [r for r in firsts if r is not None]
    return shown + [r for r in chats[-1:] if r not in shown]


def _say(text: str) -> None:
    print(f"  {text}", flush=True)


def _leave_running(on: Stage) -> None:
    """Until Ctrl-C, with what another terminal needs to play along."""
    file = OUT / "environment.sh"
    names = sorted({*on.azure.environ, *on.receivers.environment, "AzureWebJobsStorage", "REQUESTS_CA_BUNDLE", "PULLWATCH_BASELINE_HOURS"})
    file.write_text("".join(f"export {name}='{os.environ[name]}'\n" for name in names))
    file.chmod(0o600)
    print(f"\nStill running; Ctrl-C ends it. In another terminal:\n  . {file}\n"
          f"  .venv/bin/python pullwatch.py diagnose --cluster {_cluster(on.world)} --pool {on.world.truths[0].pool}\n"
          f"Functions: {on.host.url}  Event Grid: {on.host.event_grid_url('on_azure_event')}")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print()


def _cluster(world: World) -> Any:
    return next(r["name"] for r in world.resources if r["type"].endswith("/managedclusters"))


if __name__ == "__main__":
    sys.exit(main())
