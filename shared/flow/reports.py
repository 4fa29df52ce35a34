"""Pages on request: the report of a saved Case, and the fleet; each only to who holds a link that was signed for it."""

import gzip
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from shared.azure_ids import segment
from shared.diagnose import diagnose
from shared.model import Case, decode, encode
from shared.report.links import FLEET, check, report_page
from shared.report.message import Links
from shared.report.page import policy, render_report
from shared.report.page_fleet import PoolLine, Problem, render_fleet, render_problem
from shared.services import Services, links, signed_page
from shared.watch.state import PoolState

REPORT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
STATUS: Mapping[Problem, int] = {"missing": 404, "expired": 410, "refused": 403, "off": 404}
HTML, GZIP = "text/html; charset=utf-8", "application/gzip"


class Page(NamedTuple):
    """An HTTP answer."""

    status: int
    body: bytes
    content_type: str
    headers: dict[str, str]


def report(services: Services, report_id: str, token: str, *, as_case: bool = False) -> Page:
    """The report's page, its Case to download, or a page that says why not."""
    problem = _problem(services, report_page(report_id), token)
    if problem:
        return _refusal(problem)
    case = load_case(services, report_id)
    if case is None:
        return _refusal("missing")
    if as_case:
        name = f"pullwatch-case-{report_id}.json.gz"
        return _page(200, gzip.compress(encode(case), mtime=0), GZIP, {"Content-Disposition": f'attachment; filename="{name}"'})
    return _page(200, page_of(services, case, links(services.settings), f"?token={token}&as=case").encode())


def page_of(services: Services, case: Case, where: Links, case_href: str | None = None) -> str:
    """The page of a Case, diagnosed by today's rules and settings."""
    limits = services.settings.thresholds
    return render_report(case, diagnose(case, limits), limits, where, made_at=services.clock(), case_href=case_href)


def load_case(services: Services, case_id: str) -> Case | None:
    """None: no Case of that name is kept (any more)."""
    from azure.core.exceptions import ResourceNotFoundError

    if not REPORT_ID.fullmatch(case_id):
        return None
    try:
        return decode(services.load_blob(f"cases/{case_id}.json"), Case)
    except ResourceNotFoundError:
        return None


def fleet(services: Services, token: str) -> Page:
    """All pools that were ever seen, what goes on in them, and how deliveries fare."""
    problem = _problem(services, FLEET, token)
    if problem:
        return _refusal(problem)
    now = services.clock()
    lines = [_line(services, cluster_id, row.value) for cluster_id, row in services.store.all_pools()]
    deliveries = [row.value for row in services.store.deliveries()]
    return _page(200, render_fleet(lines, deliveries, now=now).encode())


def _line(services: Services, cluster_id: str, state: PoolState) -> PoolLine:
    running = state.operation if state.operation and state.operation.ended_at is None else None
    return PoolLine(segment(cluster_id, "managedClusters"), state.pool, state.capacity, state.incident, running, state.assessed_at,
                    _report_url(services, state) if state.incident else "")


def _report_url(services: Services, state: PoolState) -> str:
    """The report behind the notice that told of the incident; who may see the fleet may see it."""
    from shared.flow.outgoing import load_content
    from shared.model import Notice

    notice = load_content(services, state.notice_id) if state.notice_id else None
    if not isinstance(notice, Notice):
        return ""
    return signed_page(services.settings, report_page(notice.diagnosis.id), services.clock())


def _problem(services: Services, page: str, token: str) -> Problem | None:
    settings = services.settings
    if not settings.link_secret:
        return "off"
    answer = check(settings.link_secret.reveal(), page, token, services.clock(), timedelta(hours=settings.link_hours))
    return None if answer == "valid" else answer


def _refusal(problem: Problem) -> Page:
    return _page(STATUS[problem], render_problem(problem).encode())


def _page(status: int, body: bytes, content_type: str = HTML, more: Mapping[str, str] | None = None) -> Page:
    headers = {
        "Content-Security-Policy": policy(), "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store", "X-Robots-Tag": "noindex", "Cross-Origin-Opener-Policy": "same-origin",
    }
    return Page(status, body, content_type, headers | dict(more or {}))
