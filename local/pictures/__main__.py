"""``make pictures``: the README's pictures, drawn from what the demo really sends. Needs Chromium.

Teams draws its card with Microsoft's own renderer and host config; Slack has none, its message is a likeness.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from local.demo import play, stage, write_report
from local.node import node_module
from local.pictures.chromium import Tab, chromium
from local.preview import preview_html
from local.receivers import Received
from local.world import build

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
HOST_CONFIG = Path(__file__).with_name("teams-light.json")
"""Adaptive Cards host config "microsoft-teams-light", as Microsoft publishes it."""
MOST_BYTES = 150_000


def main(scenario: str = "disk-iops") -> int:
    with stage(build(scenario, 0, datetime.now(UTC))) as on:
        play(on)
        teams, slack = (on.receivers.of(kind)[0] for kind in ("teams", "slack"))
        with TemporaryDirectory() as folder, chromium() as tab:
            report = write_report(on, Path(folder) / "report.html")
            if report is None:
                print(f"{scenario} has nobody told anything: there is nothing to draw.", file=sys.stderr)
                return 1
            _draw_teams(tab, Path(folder), teams)
            _draw_slack(tab, Path(folder), slack)
            _draw_report(tab, report)
    return _too_large()


def _draw_teams(tab: Tab, folder: Path, received: Received) -> None:
    """As a Teams channel shows it, 680 pixels wide."""
    page = folder / "teams.html"
    page.write_text(teams_page(received.json["attachments"][0]["content"]), encoding="utf-8")
    tab.open(page.as_uri(), 720, 900)
    _save("teams.png", tab.picture("#card"))


def teams_page(card: dict[str, Any]) -> str:
    """The card drawn by the renderer that Microsoft ships."""
    library = (node_module("adaptivecards") / "dist" / "adaptivecards.min.js").read_text()
    given = json.dumps(card, ensure_ascii=False).replace("<", "\\u003c")
    return f"""<!doctype html><meta charset="utf-8"><style>
body {{ margin: 16px; background: #f5f5f5; }} #card {{ background: #fff; border: 1px solid #e0e0e0; border-radius: 8px; max-width: 680px; }}
button {{ font: 600 13px "Segoe UI", system-ui, sans-serif; padding: 6px 14px; border: 1px solid #d1d1d1; border-radius: 4px; background: #fff; color: #242424; }}
</style><div id="card"></div><script>{library}</script><script>
const card = new AdaptiveCards.AdaptiveCard();
card.hostConfig = new AdaptiveCards.HostConfig({HOST_CONFIG.read_text()});
card.parse({given});
document.getElementById("card").appendChild(card.render());
</script>"""


def _draw_slack(tab: Tab, folder: Path, received: Received) -> None:
    page = folder / "slack.html"
    page.write_text(preview_html([received]), encoding="utf-8")
    tab.open(page.as_uri(), 760, 900)
    _save("slack.png", tab.picture(".card"))


def _draw_report(tab: Tab, report: Path) -> None:
    """The head of the page, its charts in the dark, and the whole of its start on a phone."""
    tab.open(report.as_uri(), 1060)
    _save("report.png", tab.picture(height=760))
    tab.open(report.as_uri(), 1060, dark=True)
    _save("report-charts.png", tab.picture("#charts", height=800, margin=24))
    tab.open(report.as_uri(), 390)
    _save("report-phone.png", tab.picture(height=844))


def _save(name: str, picture: bytes) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    (IMAGES / name).write_bytes(picture)
    print(f"docs/images/{name}: {len(picture):,} bytes")


def _too_large() -> int:
    """1 if a picture is too large for a README, else 0."""
    large = [picture.name for picture in IMAGES.glob("*.png") if picture.stat().st_size > MOST_BYTES]
    for name in large:
        print(f"docs/images/{name} is larger than {MOST_BYTES:,} bytes.", file=sys.stderr)
    return 1 if large else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
