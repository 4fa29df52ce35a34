"""The report page in headless Chromium: drawn, quiet, answering to pointer, keys and theme, and accessible."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from local.node import NotInstalled, node_module
from local.pictures.chromium import Tab
from shared.diagnose import diagnose
from shared.model import Case, Cause, Delivery, Incident, Operation, Severity, Thresholds
from shared.report.message import Links
from shared.report.page import render_report
from shared.report.page_fleet import PoolLine, render_fleet, render_problem
from tests.diagnose.cases import STORM, T0, case, minute
from tests.report.test_page import HOSTILE, big_pool

NOW = minute(42)
UPGRADE = Operation("op", "c", "apps", "upgrade", T0, minute(9), target="1.33.4")
SLOW = replace(case(storm=STORM), operation=UPGRADE)
NOTHING = replace(SLOW, series=(), pulls=(), registry_minutes=(), baseline=None, operation=None)
SIZES = {"phone": 390, "desk": 1100}


def report(of: Case) -> str:
    return render_report(of, diagnose(of, Thresholds()), Thresholds(), Links(runbook="https://wiki.contoso.example/x"), made_at=NOW)


def fleet() -> str:
    hot = Incident("i", "c", "apps", Cause.DISK_IOPS, Severity.CRITICAL, NOW, NOW)
    sent = [Delivery("d", "n", "c", "teams", NOW, NOW, "delivered"), Delivery("e", "n", "c", "slack", NOW, NOW, "parked", reason="404")]
    return render_fleet([PoolLine("prod", "apps", 10, hot, UPGRADE, NOW, "https://app.example/r"), PoolLine("prod", "calm", 3)], sent, now=NOW)


PAGES = {"slow": lambda: report(SLOW), "nothing": lambda: report(NOTHING), "fleet": fleet, "problem": lambda: render_problem("expired")}


def opened(tab: Tab, pages: Path, name: str, html: str, width: int = 1100, *, dark: bool = False) -> Tab:
    file = pages / f"{name}.html"
    file.write_text(html, encoding="utf-8")
    return tab.open(file.as_uri(), width, dark=dark)


@pytest.fixture
def slow(tab: Tab, pages: Path) -> Tab:
    opened(tab, pages, "slow", report(SLOW))
    tab.run("localStorage.clear()")
    return tab


def reading(tab: Tab, number: int) -> str:
    return str(tab.run(f"document.querySelectorAll('.reading')[{number}].textContent"))


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", SIZES.values(), ids=SIZES)
def test_a_page_fits_its_screen_fetches_nothing_and_says_nothing_in_the_console(tab: Tab, pages: Path, name: str, width: int) -> None:
    opened(tab, pages, name, PAGES[name](), width)
    assert tab.run("document.documentElement.scrollWidth") <= width
    assert tab.fetched == []
    assert tab.complaints == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_to_complain_about(tab: Tab, pages: Path, name: str, dark: bool) -> None:
    try:
        axe = (node_module("axe-core") / "axe.min.js").read_text()
    except NotInstalled as missing:
        pytest.skip(str(missing))
    opened(tab, pages, name, PAGES[name](), dark=dark)
    tab.run("for (const finding of document.querySelectorAll('details')) finding.open = true")
    tab.run(axe + ";0")
    found: Any = tab.run("axe.run().then(r => r.violations.map(v => [v.id, v.help, v.nodes.map(n => n.html).slice(0, 3)]))")
    assert found == []


def test_the_charts_are_drawn(slow: Tab) -> None:
    boxes = slow.run("[...document.querySelectorAll('.chart path')].map(p => p.getBoundingClientRect().width)")
    assert sum(width > 100 for width in boxes) >= 5
    assert slow.run("[...document.querySelectorAll('.strip img')].map(i => i.naturalWidth)") == [10, 10]
    assert slow.run("document.querySelector('.chart .limit').getBoundingClientRect().width") > 500


def test_the_pointer_shows_the_same_minute_in_all_charts(slow: Tab) -> None:
    resting = reading(slow, 1)
    x, y = slow.run("(b => [b.x + b.width * 0.35, b.y + 30])((e => (e.scrollIntoView({block: 'center'}), e))(document.querySelector('.plot')).getBoundingClientRect())")
    slow.move_to(x, y)
    assert reading(slow, 0).startswith("10:03 UTC: ")
    assert reading(slow, 1).startswith("10:03 UTC: worst 34 on aks-apps")
    assert slow.run("new Set([...document.querySelectorAll('.cross')].map(c => c.style.left)).size") == 1
    slow.move_to(2, 2)
    assert reading(slow, 1) == resting


def test_the_pointer_on_the_heat_strip_names_the_node(slow: Tab) -> None:
    x, y = slow.run("(b => [b.x + b.width * 0.05, b.bottom - 3])((e => (e.scrollIntoView({block: 'center'}), e))(document.querySelector('.strip')).getBoundingClientRect())")
    slow.move_to(x, y)
    assert slow.run("document.querySelector('#heat .reading').textContent").startswith("10:00 UTC: 2 on aks-apps-12345678-vmss00000")


def test_the_keyboard_moves_through_the_minutes(slow: Tab) -> None:
    slow.run("document.getElementById('minute').focus()")
    slow.press("ArrowRight")
    assert slow.run("document.getElementById('minute').getAttribute('aria-valuetext')") == "10:01 UTC"
    assert reading(slow, 0).startswith("10:01 UTC: ")


def test_the_theme_follows_the_system_until_somebody_chooses(slow: Tab) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    assert slow.run(paper) == "rgb(255, 255, 255)"
    slow.prefer("dark")
    assert slow.run(paper) == "rgb(16, 22, 29)"
    slow.click("#theme")
    assert slow.run(paper) == "rgb(255, 255, 255)"
    assert slow.run("document.getElementById('theme').textContent") == "Dark"
    assert slow.run("[...document.querySelectorAll('.strip img')].map(i => i.checkVisibility())") == [True, False]
    slow.run("localStorage.clear()")


def test_links_within_the_page_lead_somewhere(slow: Tab) -> None:
    assert slow.run("[...document.querySelectorAll('a[href^=\"#\"]')].every(a => document.querySelector(a.getAttribute('href')))")
    slow.click("summary")
    assert slow.run("document.querySelector('details').open") is False


def test_a_command_is_copied_as_a_whole(slow: Tab) -> None:
    slow.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    slow.click(".copy")
    said = "new Promise(done => setInterval(() => { const t = document.querySelector('.copy').textContent; if (t !== 'Copy') done(t); }, 20))"
    assert slow.run(said) == "Copied"
    assert slow.run("navigator.clipboard.readText()") == slow.run("document.querySelector('.command code').textContent")


def test_on_paper_the_findings_are_open_and_the_controls_gone(slow: Tab) -> None:
    slow.prefer("dark", media="print")
    assert slow.run("getComputedStyle(document.querySelector('.scrub')).display") == "none"
    assert slow.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert slow.call("Page.printToPDF")["data"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_runs_nothing(tab: Tab, pages: Path, name: str) -> None:
    pulls = tuple(replace(p, image=name, pod=name, node=name) for p in SLOW.pulls)
    series = tuple(replace(s, node=name) for s in SLOW.series)
    hostile = replace(SLOW, cluster=replace(SLOW.cluster, name=name), pool=replace(SLOW.pool, name=name), pulls=pulls, series=series)
    opened(tab, pages, "hostile", report(hostile).replace("<head>", "<head><script>alert = () => { document.title = 'owned'; }</script>", 1))
    assert tab.run("document.title") != "owned"
    assert tab.fetched == []
    assert [text for text in tab.complaints if "script-src" not in text] == []


def test_three_hundred_nodes_stay_smooth(tab: Tab, pages: Path) -> None:
    opened(tab, pages, "big", report(big_pool(300, 60)))
    script = """(async () => {
        const plot = document.querySelector('.strip'), box = plot.getBoundingClientRect();
        const started = performance.now();
        for (let n = 0; n < 60; n++) {
            plot.dispatchEvent(new PointerEvent('pointermove', {clientX: box.x + box.width * n / 60, clientY: box.y + n, bubbles: true}));
            document.body.offsetHeight;
        }
        return (performance.now() - started) / 60;
    })()"""
    milliseconds = float(tab.run(script))
    assert milliseconds < 50, "a pointer move, layout included"
    assert tab.complaints == []
