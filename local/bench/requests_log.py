"""Every HTTP request of this process, made to last at least so long, and the longest chain of them."""

import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest import mock

from requests.adapters import HTTPAdapter


class Span(NamedTuple):
    start: float
    end: float
    what: str
    """Method and host."""


@contextmanager
def recorded(least_seconds: float) -> Iterator[list[Span]]:
    """The requests of the official SDKs and of the receivers' posts while the block lasts, as they end."""
    spans: list[Span] = []
    send = HTTPAdapter.send

    def slow(self: HTTPAdapter, request: Any, **options: Any) -> Any:
        start = time.perf_counter()
        try:
            return send(self, request, **options)
        finally:
            time.sleep(max(0.0, start + least_seconds - time.perf_counter()))
            spans.append(Span(start, time.perf_counter(), f"{request.method} {request.url.partition('?')[0]}"))

    with mock.patch.object(HTTPAdapter, "send", slow):
        yield spans


def longest_chain(spans: Sequence[Span]) -> list[Span]:
    """Requests of which each began after the one before had ended, with the most time in all: none can have waited for more."""
    ordered = sorted(spans, key=lambda span: span.end)
    ends = [span.end for span in ordered]
    best: list[tuple[float, list[Span]]] = [(0.0, [])]
    for index, span in enumerate(ordered):
        before_seconds, before = best[bisect_right(ends, span.start, hi=index)]
        taken = (before_seconds + span.end - span.start, [*before, span])
        best.append(max(best[-1], taken, key=lambda found: found[0]))
    return best[-1][1]
