"""Whether the function app can do its work, for ``/api/health``. Says nothing that helps an attacker."""

import os
from collections.abc import Mapping
from typing import Any

from shared.errors import Misconfigured
from shared.services import services


def health_report(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """``{"status": "ok" | "misconfigured" | "storage_unreachable", "problem", "receivers"}``."""
    from azure.core.exceptions import AzureError

    try:
        app = services(environ)
        next(app.store.all_pools(), None)
    except Misconfigured as problem:
        return {"status": "misconfigured", "problem": str(problem)}
    except AzureError as error:
        return {"status": "storage_unreachable", "problem": f"The function app's storage does not answer ({type(error).__name__})."}
    if not app.settings.receivers:
        return {"status": "misconfigured", "problem": "No receiver is set: give PULLWATCH_TEAMS_URL, PULLWATCH_SLACK_URL or PULLWATCH_WEBHOOK_URL."}
    return {"status": "ok", "receivers": list(app.settings.receivers)}
