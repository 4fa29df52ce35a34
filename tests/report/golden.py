"""The messages as they stand in ``tests/data``. To accept a change: ``python -m tests.report.golden``, and read the diff."""

import json
from collections.abc import Callable
from pathlib import Path

from shared.model import Notice
from shared.notify import slack, teams
from shared.report import text
from shared.report.message import build_message
from tests.report import samples

DATA = Path(__file__).parents[1] / "data"
NOTICES: dict[str, Callable[[], Notice]] = {
    "opened": samples.opened, "resolved": samples.resolved, "healthy_upgrade": samples.healthy_upgrade,
    "slow_upgrade": samples.slow_upgrade, "unknown": samples.unknown,
}


def rendered(name: str) -> dict[str, str]:
    """File name → text, for one notice."""
    message = build_message(NOTICES[name](), samples.LINKS)
    return {
        f"chat_{name}.txt": text.render(message),
        f"chat_{name}.teams.json": _pretty(teams.render(message, "1.4")),
        f"chat_{name}.slack.json": _pretty(slack.render(message)),
    }


def _pretty(payload: object) -> str:
    return json.dumps(payload, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    for name in NOTICES:
        for file, content in rendered(name).items():
            (DATA / file).write_text(content, encoding="utf-8")
