"""(f) Reading the metrics of 300 nodes for an hour: through the SDK's own models, against our reading of the same answer.

Both go through the SDK's client and its pipeline, each in a process of its own; the answer comes from memory.
``python -m local.bench.reading sdk|ours FILE`` prints what one of them takes.
"""

import io
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import requests
import urllib3
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.monitor.querymetrics import MetricsClient
from requests.adapters import BaseAdapter

from local.bench.memory import peak_megabytes
from local.bench.ratio import Ratio
from shared.collect.metric_batch import read, request
from shared.collect.metrics import NAMESPACE, NODE_METRICS
from shared.model import Window

NODES = 300
TIMES = 3
START = datetime(2026, 11, 24, 9, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=1))
SCALE_SET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/aks-apps-12345678-vmss"


def measure() -> list[Ratio]:
    with tempfile.NamedTemporaryFile(prefix="bench-", suffix=".json") as file:
        file.write(answer(NODES))
        file.flush()
        sdk, ours = (_in_a_process(how, file.name) for how in ("sdk", "ours"))
    what = "the SDK's own models / ours"
    numbers = {"nodes": float(NODES), "points": float(NODES * len(NODE_METRICS) * 60)}
    return [
        Ratio(name="reading metrics, time", what=what, value=sdk["s"] / ours["s"], at_least=10, numbers=numbers | {"SDK s": sdk["s"], "ours s": ours["s"]}),
        Ratio(name="reading metrics, memory", what=what, value=sdk["MB"] / ours["MB"], numbers={"SDK MB": sdk["MB"], "ours MB": ours["MB"]}),
    ]


def answer(nodes: int) -> bytes:
    """What the batch interface says of all node metrics, minute by minute."""
    rng = Random(nodes)
    times = [f"{START + timedelta(minutes=m):%Y-%m-%dT%H:%M:%SZ}" for m in range(60)]

    def named(name: str) -> dict[str, str]:
        return {"value": name, "localizedValue": name}

    def series(node: int) -> dict[str, Any]:
        label = {"name": named("vmname"), "value": f"aks-apps-12345678-vmss_{node}"}
        return {"metadatavalues": [label], "data": [{"timeStamp": time, "average": round(100 * rng.random(), 3)} for time in times]}

    metrics = [{
        "id": f"{SCALE_SET}/providers/Microsoft.Insights/metrics/{name}", "type": "Microsoft.Insights/metrics", "name": named(name), "unit": "Count",
        "errorCode": "Success", "timeseries": [series(node) for node in range(nodes)],
    } for name in NODE_METRICS]
    resource = {"starttime": times[0], "endtime": times[-1], "interval": "PT1M", "namespace": NAMESPACE, "resourceregion": "westeurope",
                "resourceid": SCALE_SET, "value": metrics}
    return json.dumps({"values": [resource]}).encode()


def _in_a_process(how: str, file: str) -> dict[str, float]:
    ran = subprocess.run([sys.executable, "-m", "local.bench.reading", how, file], capture_output=True, check=True)
    found: dict[str, float] = json.loads(ran.stdout)
    return found


class FromMemory(BaseAdapter):
    """Every request has the same answer."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self._body = body

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:  # type: ignore[override]
        found = requests.Response()
        found.status_code, found.request, found.url = 200, request, str(request.url)
        found.headers["Content-Type"] = "application/json"
        found.raw = urllib3.HTTPResponse(io.BytesIO(self._body), headers={"Content-Type": "application/json"}, status=200, preload_content=False)
        return found

    def close(self) -> None:
        """There is nothing to close."""


def client(body: bytes) -> MetricsClient:
    session = requests.Session()
    session.mount("https://", FromMemory(body))
    return MetricsClient("https://metrics.invalid", object(), authentication_policy=SansIOHTTPPolicy(),  # type: ignore[arg-type]
                         transport=RequestsTransport(session=session, session_owner=False))


def by_sdk(metrics: MetricsClient) -> list[Any]:
    return metrics.query_resources(resource_ids=[SCALE_SET], metric_namespace=NAMESPACE, metric_names=list(NODE_METRICS), timespan=(WINDOW.start, WINDOW.end))


def by_us(metrics: MetricsClient) -> list[Any]:
    return read(metrics.send_request(request([SCALE_SET], NAMESPACE, NODE_METRICS, WINDOW, "VMName", 1000), stream=True).read())


def main(how: str, file: str) -> None:
    metrics, seconds = client(Path(file).read_bytes()), []
    for _ in range(TIMES):
        start = time.perf_counter()
        (by_sdk if how == "sdk" else by_us)(metrics)
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"s": min(seconds), "MB": peak_megabytes()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
