"""(c) From an event to the message about it, against the longest chain of requests that follow one another.

Requests that our code sends one after the other count as a chain, whether or not they had to wait: their number
is told too, so that it can be watched. The functions run as the platform would run them, but one right after the other: how long a message lies in a
queue before the platform looks is the platform's affair.
"""

import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from unittest import mock

from local.azurite import Azurite
from local.bench.azure_process import Remote, azure_process
from local.bench.ratio import Ratio
from local.bench.requests_log import Span, longest_chain, recorded
from local.receivers import Receivers
from local.world import build
from shared.flow import jobs
from shared.flow.announce import announce
from shared.flow.assess import assess
from shared.flow.outgoing import deliver
from shared.flow.wake import receive
from shared.model import Content, decode
from shared.services import Services
from shared.settings import Settings, load

SCENARIO = "disk-iops"
LATENCY_SECONDS = 0.1


class StraightServices(Services):
    """Services whose messages are worked off one after the other, whatever their delay."""

    def __init__(self, settings: Settings, now: datetime, send: Callable[[str, Content], None] | None = None) -> None:
        super().__init__(settings, lambda: now, send=send)
        self.todo: deque[tuple[str, bytes]] = deque()

    def enqueue(self, queue: str, body: bytes, delay_seconds: float = 0.0) -> None:  # noqa: ARG002
        self.todo.append((queue, body))

    def work(self) -> str:
        """Does what the first message asks for; the name of its queue."""
        queue, body = self.todo.popleft()
        match queue:
            case jobs.ASSESSMENTS:
                assess(self, decode(body, jobs.Assessment))
            case jobs.ANNOUNCEMENTS:
                announce(self, decode(body, jobs.Announcement))
            case jobs.DELIVERIES:
                deliver(self, decode(body, jobs.DeliveryJob))
        return queue


def measure() -> list[Ratio]:
    with azure_process(SCENARIO) as remote:
        event = json.dumps(build(SCENARIO, 0, remote.end).events[0].body)
        _play(remote, event)  # loads the libraries: what a cold start costs is another bench
        seconds, spans = _play(remote, event)
    chain = longest_chain(spans)
    chain_seconds = sum(span.end - span.start for span in chain)
    return [Ratio(name="event to message", what="whole time / longest chain of dependent requests", value=seconds / chain_seconds, at_most=1.3,
                  numbers={"whole s": seconds, "chain s": chain_seconds, "chain requests": len(chain), "all requests": len(spans)})]


def _play(remote: Remote, event: str) -> tuple[float, list[Span]]:
    """(seconds from the event until the chat has the message, requests in between)."""
    with Azurite() as azurite, Receivers() as receivers, trusting(remote, receivers):
        services = _services(remote, azurite, receivers)
        services.fleet()  # a running app has it, and its table
        assert not services.store.pools("none")
        with recorded(LATENCY_SECONDS) as spans:
            start = time.perf_counter()
            receive(services, event)
            while not receivers.received:
                done = services.work()
                if done == jobs.ASSESSMENTS:
                    services.todo = deque(job for job in services.todo if job[0] != done)  # the next look at the pool is for later
        told = next(span for span in spans if "/slack/" in span.what)
        return told.end - start, [span for span in spans if span.end <= told.end]


@contextmanager
def trusting(remote: Remote, receivers: Receivers) -> Iterator[None]:
    """Both authorities, Azure's and the receivers', in one bundle."""
    bundle = receivers.ca_file.with_name("bundle.pem")
    bundle.write_text(Path(remote.environ["REQUESTS_CA_BUNDLE"]).read_text() + receivers.ca_file.read_text())
    with mock.patch.dict(os.environ, {"REQUESTS_CA_BUNDLE": str(bundle)}):
        yield


def _services(remote: Remote, azurite: Azurite, receivers: Receivers) -> StraightServices:
    told = {name: value for name, value in receivers.environment.items() if name in ("PULLWATCH_SLACK_URL", "PULLWATCH_ALLOW_PRIVATE_RECEIVERS")}
    settings = load(remote.environ | told | {"AzureWebJobsStorage": azurite.connection_string, "PULLWATCH_METRICS_LAG_SECONDS": "0",
                                             "PULLWATCH_GROUP_WAIT_SECONDS": "0", "PULLWATCH_BASELINE_HOURS": "6"})
    return StraightServices(settings, remote.end)
