"""(e) Deliveries a second on Azurite, with 1, 2 and 4 processes that take them from the queue.

``python -m local.bench.delivery`` is such a process: it says ``ready``, waits for a line, works until the queue is
empty, and says how many it delivered. The pace at which a chat may be told is left out: each delivery has its turn.
"""

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import timedelta
from uuid import uuid4

from azure.storage.queue import QueueClient, TextBase64DecodePolicy
from msgspec.structs import replace

from local.azurite import Azurite
from local.bench.ratio import Ratio
from local.receivers import Receivers
from shared.flow.jobs import DELIVERIES, DeliveryJob
from shared.flow.outgoing import deliver, delivery_of, enqueue, save_content
from shared.model import Bulletin, Severity, decode
from shared.services import Services, services, utc_now
from shared.settings import load
from shared.watch.state import ClusterState
from shared.watch.store import Row

MESSAGES = 120
PROCESSES = (1, 2, 4)
IDLE_LOOKS = 3
"""Empty answers of the queue after which a process takes its work for done."""


def measure() -> list[Ratio]:
    rates = {count: _rate(count) for count in PROCESSES}
    return [Ratio(name=f"deliveries, {count} processes", what="deliveries a second / those of one process", value=rate / rates[1],
                  numbers={"a second": rate, "one process": rates[1]}) for count, rate in rates.items()]


def _rate(processes: int) -> float:
    """Deliveries a second, from the first one taken to the last one told."""
    with Azurite() as azurite, Receivers() as receivers, ExitStack() as stack:
        environ = receivers.environment | {"AzureWebJobsStorage": azurite.connection_string}
        _fill(Services(load(environ)))
        started = [stack.enter_context(_worker(environ)) for _ in range(processes)]
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        start = time.time()
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        delivered = [int(process.communicate()[0]) for process in started]
        assert sum(delivered) == MESSAGES == len(receivers.received)
        return MESSAGES / (receivers.received[-1].at.timestamp() - start)


def _worker(environ: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "local.bench.delivery"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                            env=os.environ | environ)


def _fill(app: Services) -> None:
    """Deliveries of one content to the webhook, a cluster each, all in the ledger and on the queue."""
    now = utc_now()
    content = Bulletin(uuid4().hex, "health", now, Severity.WARNING, "A bench is running", ("Nothing to do.",))
    save_content(app, content)
    for number in range(MESSAGES):
        cluster_id = f"/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c{number}"
        delivery = delivery_of(content.id, "webhook", cluster_id, now)
        has_turn = replace(delivery, turn_at=now + timedelta(minutes=1))
        app.store.put_cluster(cluster_id, Row(ClusterState(), None), [has_turn])
        enqueue(app, has_turn)


def main() -> None:
    app = services()
    queue = QueueClient.from_connection_string(app.settings.storage_connection_string.reveal(), DELIVERIES,
                                             message_decode_policy=TextBase64DecodePolicy())
    assert not app.store.pools("none"), "connects"
    print("ready", flush=True)
    sys.stdin.readline()
    delivered = idle = 0
    while idle < IDLE_LOOKS:
        messages = list(queue.receive_messages(max_messages=4, visibility_timeout=60))
        for message in messages:
            delivered += deliver(app, decode(message.content, DeliveryJob)) == "delivered"
            queue.delete_message(message)
        idle = 0 if messages else idle + 1
    print(delivered)


if __name__ == "__main__":
    main()
