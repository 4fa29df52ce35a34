"""Whether the function app can do its work, for ``/api/health``: what works, what does not, since when.

Cheap enough to be asked every few seconds: what was found is kept for a while. Says nothing that helps an attacker.
"""

import os
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from shared.errors import Misconfigured
from shared.services import Services, services, utc_now

KEPT_FOR = timedelta(seconds=20)
_since: dict[str, tuple[str, datetime]] = {}
"""What is wrong with each part (empty: nothing), and since when this process knows."""
_kept: tuple[datetime, str, dict[str, Any]] | None = None
_lock = threading.Lock()


def health_report(environ: Mapping[str, str] = os.environ, now: datetime | None = None) -> dict[str, Any]:
    """``{"status": "ok" | "misconfigured" | "storage_unreachable", "problem", "receivers", "parts": {part: {"problem", "since"}}}``.

    ``parts``: settings, receivers, storage. ``since`` counts from this instance's first look.
    """
    global _kept  # noqa: PLW0603 (one per process: that is what keeps it cheap)
    moment, asked = now or utc_now(), repr(sorted((k, hash(v)) for k, v in environ.items() if k.startswith(("PULLWATCH_", "Azure", "AZURE_"))))
    with _lock:
        if _kept is None or _kept[1] != asked or not timedelta() <= moment - _kept[0] < KEPT_FOR:
            _kept = (moment, asked, _examined(environ, moment))
        return _kept[2]


def _examined(environ: Mapping[str, str], now: datetime) -> dict[str, Any]:
    problems, receivers = _problems(environ)
    for part, problem in problems.items():
        if _since.get(part, (None,))[0] != problem:
            _since[part] = (problem, now)
    parts = {part: {"problem": problem, "since": _since[part][1].isoformat()} for part, problem in problems.items()}
    wrong = [part for part, problem in problems.items() if problem]
    if not wrong:
        return {"status": "ok", "receivers": receivers, "parts": parts}
    status = "storage_unreachable" if wrong[0] == "storage" else "misconfigured"
    return {"status": status, "problem": problems[wrong[0]], "receivers": receivers, "parts": parts}


def _problems(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """What is wrong with each part that could be looked at, worst first, and the names of the receivers."""
    try:
        app = services(environ)
    except Misconfigured as problem:
        return {"settings": str(problem)}, []
    nobody = "No receiver is set: give PULLWATCH_TEAMS_URL, PULLWATCH_SLACK_URL or PULLWATCH_WEBHOOK_URL."
    return {"settings": "", "storage": _storage_problem(app), "receivers": "" if app.settings.receivers else nobody}, list(app.settings.receivers)


def _storage_problem(app: Services) -> str:
    from azure.core.exceptions import AzureError

    try:
        next(app.store.all_pools(), None)
    except Misconfigured as problem:
        return str(problem)
    except AzureError as error:
        return f"The function app's storage does not answer ({type(error).__name__})."
    return ""
