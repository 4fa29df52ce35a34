"""The benches measure what they say."""

import json
from pathlib import Path

import pytest

from local.bench import __main__ as bench
from local.bench.diagnosis import of_size
from local.bench.ratio import Ratio, table
from local.bench.requests_log import Span, longest_chain
from local.bench.worlds import Shape, fleet_world, hot_pools, pools_of
from tests.collect.conftest import NOW
from tests.diagnose.cases import CASE_OF_TWO as _  # noqa: F401


def spans(*times: tuple[float, float]) -> list[Span]:
    return [Span(start, end, f"{start}-{end}") for start, end in times]
