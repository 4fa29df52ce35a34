"""(b) The same screening by Cloud Custodian's azure provider, on the same local Azure; on request only.

It is installed into an environment of its own (``out/custodian``, 700 MB). It asks for one metric of one resource a
request; we give it the policy that comes closest to one of our eight limits.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from local.bench.azure_process import Remote, azure_process
from local.bench.ratio import Ratio
from local.bench.screening import LATENCY_SECONDS, screen_fleet
from local.bench.worlds import IOPS, Shape, hot_pools, pools_of
from shared.collect.azure import credential
from shared.collect.screening import METRICS
from shared.settings import load

FOLDER = Path(__file__).parents[2] / "out" / "custodian"
SHAPE = Shape(pools=100, nodes=2, subscriptions=1, regions=1)
"""A hundred pools of one subscription, all that one of its policies looks at."""
RUN = """
import sys
from msrestazure import azure_cloud
azure_cloud.AZURE_PUBLIC_CLOUD.endpoints.resource_manager = sys.argv.pop(1)
from c7n.cli import main
main()
"""
POLICY = {"policies": [{
    "name": "full-disks", "resource": "azure.vmss",
    "filters": [{"type": "metric", "metric": IOPS, "op": "gt", "aggregation": "average", "threshold": 95, "timeframe": 0.1, "interval": "PT1M",
                 "filter": "VMName eq '*'"}],
}]}


def measure() -> list[Ratio]:
    _install()
    with azure_process(SHAPE) as remote:
        remote.slow_down(LATENCY_SECONDS)
        screen_fleet(remote)  # its libraries are loaded before it counts, as Custodian's start is left out below
        start = time.perf_counter()
        screen_fleet(remote)
        ours_seconds = time.perf_counter() - start
        remote.reset_counts()
        seconds, found = _custodian(remote)
        requests = remote.counts()["all"]
    return [Ratio(name="screening, Custodian", what="Custodian, one limit of eight / ours, all eight", value=seconds / ours_seconds,
                  numbers={"Custodian s": seconds, "Custodian requests": requests, "for all limits about": requests * len(METRICS),
                           "ours s": ours_seconds, "pools it found": found, "of": len(hot_pools(SHAPE))})]


def _install() -> None:
    if not (FOLDER / "bin" / "custodian").exists():
        subprocess.run([sys.executable, "-m", "venv", FOLDER], check=True)
        subprocess.run([FOLDER / "bin" / "pip", "install", "--quiet", "c7n-azure"], check=True)


def _custodian(remote: Remote) -> tuple[float, float]:
    """(seconds of a run of its policy as it times itself, without the start of the process; pools it found)."""
    token = credential(load(remote.environ)).get_token("https://management.azure.com/.default").token
    subscription = next(pools_of(SHAPE)).vmss_id.split("/")[2]
    environ = {"AZURE_ACCESS_TOKEN": token, "AZURE_SUBSCRIPTION_ID": subscription, "AZURE_TENANT_ID": "local", "PATH": "/usr/bin:/bin",
               "REQUESTS_CA_BUNDLE": remote.environ["REQUESTS_CA_BUNDLE"], "NO_PROXY": "localhost,127.0.0.1"}
    with tempfile.TemporaryDirectory(prefix="custodian-") as folder:
        policy = Path(folder, "policy.json")
        policy.write_text(json.dumps(POLICY))
        command: list[str | Path] = [FOLDER / "bin" / "python", "-c", RUN, remote.environ["AZURE_RESOURCE_MANAGER_ENDPOINT"], "run",
                                     "--cache-period", "0", "-s", folder, policy]
        subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
        metadata = json.loads(Path(folder, "full-disks", "metadata.json").read_text())
        values = {metric["MetricName"]: float(metric["Value"]) for metric in metadata["metrics"]}
        return values["ResourceTime"], values["ResourceCount"]
