"""(b) Screening 1,000 pools: requests against the least possible, time against one request a pool."""

import math
import time
from collections import Counter
from datetime import datetime, timedelta

import requests

from local.bench.azure_process import Remote, azure_process
from local.bench.ratio import Ratio
from local.bench.worlds import Shape, hot_pools, pools_of
from shared.collect.azure import Azure, credential
from shared.collect.fleet import read_fleet
from shared.collect.metrics import NAMESPACE
from shared.collect.screening import BATCH, METRICS, Screened, screen
from shared.settings import load

SHAPE = Shape(pools=1000, nodes=2, subscriptions=4, regions=5)
LATENCY_SECONDS = 0.1
LOOP_SHARE = 10
"""The loop asks about every so manieth pool, and is taken times as much: it is steady, and nobody wants to wait for it."""


def measure() -> list[Ratio]:
    with azure_process(SHAPE) as remote:
        remote.slow_down(LATENCY_SECONDS)
        remote.reset_counts()
        start = time.perf_counter()
        found = screen_fleet(remote)
        ours_seconds = time.perf_counter() - start
        used = remote.counts()
        assert found.suspects == {pool.vmss_id for pool in hot_pools(SHAPE)}
        assert not found.not_seen
        loop_seconds = _loop_seconds(remote)
    least = least_requests()
    return [
        Ratio(name="screening, requests", what="all requests used / the least possible", value=used["all"] / least, at_most=1.25,
              numbers={"used": used["all"], "least": least, **{kind: n for kind, n in used.items() if kind != "all"}}),
        Ratio(name="screening, time", what="a loop over ARM, a request a pool / ours", value=loop_seconds / ours_seconds, at_least=20,
              numbers={"loop s": loop_seconds, "ours s": ours_seconds}),
    ]


def least_requests() -> int:
    """⌈pools / 50⌉ batches for each region of each subscription, and the pages on which Azure lists them."""
    places = Counter((pool.vmss_id.split("/")[2], pool.location) for pool in pools_of(SHAPE))
    clusters = len({pool.cluster_id for pool in pools_of(SHAPE)})
    pages = math.ceil(SHAPE.pools / 1000) + math.ceil(clusters / 1000) + 3  # single machines, registries, egress
    return sum(math.ceil(n / BATCH) for n in places.values()) + pages


def screen_fleet(remote: Remote) -> Screened:
    settings = load(remote.environ | {"PULLWATCH_METRICS_LAG_SECONDS": "0"})
    azure = Azure(settings, credential(settings))
    return screen(azure, read_fleet(azure, settings).pools, settings, remote.end)


def _loop_seconds(remote: Remote) -> float:
    """What most scripts do: one resource after the other, all metrics in one request."""
    settings = load(remote.environ)
    token = credential(settings).get_token("https://management.azure.com/.default").token
    pools = list(pools_of(SHAPE))[::LOOP_SHARE]
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        session.verify = remote.environ["REQUESTS_CA_BUNDLE"]
        start = time.perf_counter()
        for pool in pools:
            session.get(f"{settings.resource_manager_endpoint}{pool.vmss_id}/providers/Microsoft.Insights/metrics",
                        params=_question(remote.end), timeout=30).raise_for_status()
        return (time.perf_counter() - start) * SHAPE.pools / len(pools)


def _question(end: datetime) -> dict[str, str | int]:
    start = end - timedelta(minutes=6)
    return {"api-version": "2024-02-01", "metricnamespace": NAMESPACE, "metricnames": ",".join(METRICS), "aggregation": "average",
            "interval": "PT1M", "timespan": f"{start:%Y-%m-%dT%H:%M:%SZ}/{end:%Y-%m-%dT%H:%M:%SZ}", "$filter": "VMName eq '*'", "top": 1000}
