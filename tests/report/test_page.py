"""The report page: true, complete, small, and deaf to hostile names."""

import base64
import gzip
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from shared.diagnose import diagnose
from shared.model import (
    Case,
    Cause,
    Delivery,
    Diagnosis,
    Incident,
    Operation,
    Pull,
    Series,
    Severity,
    Thresholds,
    Window,
    decode,
)
from shared.report.message import Links
from shared.report.page import policy, render_report
from shared.report.page_fleet import PoolLine, render_fleet, render_problem
from tests.diagnose.cases import MINUTES, NODES, STORM, T0, case, failed, minute

LINKS = Links(runbook="https://wiki.contoso.example/slow-pulls")
NOW = datetime(2026, 11, 24, 10, 42, tzinfo=UTC)
LIMITS = Thresholds()
HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", "javascript:alert(1)", "</title><svg onload=alert(1)>",
    "</script><script>alert(1)</script>", "<!--", "]]>", "{{ 7 * 7 }}", "{% raw %}", "data:text/html,<script>alert(1)</script>", "</svg><foreignObject>",
    "url(javascript:alert(1))", "a\u202egpj.exe", "x\x1b[31mred", "</style><style>*{display:none}", "&lt;b&gt;", "\\u003cscript>",
)


def page(of: Case, diagnosis: Diagnosis | None = None, case_href: str | None = None) -> str:
    return render_report(of, diagnosis or diagnose(of, LIMITS), LIMITS, LINKS, made_at=NOW, case_href=case_href)


class Seen(HTMLParser):
    """Elements with their attributes, and the texts, as a browser's parser sees them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def tags(self, name: str) -> Iterator[dict[str, str | None]]:
        return (attributes for tag, attributes in self.elements if tag == name)


def shown(html: str) -> str:
    return re.sub(r"\s+", " ", " ".join(Seen(re.sub(r"<(style|script)\b.*?</\1>", "", html, flags=re.DOTALL)).texts))


def data_of(html: str) -> Any:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[1])  # type: ignore[index]


SLOW = case(storm=STORM)


def test_the_page_says_what_the_diagnosis_says() -> None:
    diagnosis = diagnose(SLOW, LIMITS)
    text = shown(page(SLOW, diagnosis)).replace("\u00a0", " ")
    assert diagnosis.headline in text
    for finding in diagnosis.findings:
        assert all(evidence.text in text for evidence in finding.evidence)
        assert all(remedy.title in text and remedy.command in text for remedy in finding.remedies)
    assert all(name in text for name in ("Kubelet queue", "Registry", "Network", "CPU unpack", "OS disk"))


def test_a_command_can_be_copied_as_it_is_to_be_typed() -> None:
    culprit = diagnose(SLOW, LIMITS).culprit
    assert culprit is not None
    told = [unescape(re.sub("<[^>]+>", "", code)) for code in re.findall(r'<pre tabindex="0"><code>(.*?)</code>', page(SLOW))]
    assert told == [remedy.command for remedy in culprit.remedies if remedy.command]


def test_the_binding_stage_is_named_in_words_not_only_by_colour() -> None:
    text = shown(page(SLOW))
    assert re.search(r"Bottleneck\s+OS disk", text)
    assert len(re.findall(r"Bottleneck\s+(?:Kubelet queue|Registry|Network|CPU unpack)", text)) == 0


def test_every_time_has_a_zone() -> None:
    html = page(SLOW)
    text = shown(re.sub(r'<svg class="axis".*?</svg>', "", html, flags=re.DOTALL))
    assert "Times are UTC" in text, "the axes have no room for it"
    assert re.findall(r"\d\d:\d\d(?! (?:UTC|and|– \d\d:\d\d UTC))", text) == []


def named(name: str) -> Case:
    """The name wherever a name from outside can stand."""
    pulls = (*(replace(p, image=name, pod=name) for p in SLOW.pulls), failed(name, 1, 2, "other", image=name))
    renamed = [replace(s, node=name) if s.node == NODES[0] else s for s in SLOW.series]
    return replace(
        SLOW, cluster=replace(SLOW.cluster, name=name, id=f"/subscriptions/{name}"), pool=replace(SLOW.pool, name=name, vm_size=name),
        pulls=pulls, series=tuple(renamed), coverage=tuple(replace(c, detail=name, fix=name) for c in SLOW.coverage),
        operation=Operation("o", "c", name, "upgrade", T0, T0, target=name),
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_text(name: str) -> None:
    html = page(named(name))
    seen = Seen(html)
    assert [tag for tag, _ in seen.elements] == [tag for tag, _ in Seen(page(named("plain"))).elements]
    for _, attributes in seen.elements:
        assert not any(attribute.startswith("on") or attribute == "style" for attribute in attributes)
        for attribute in ("href", "src"):
            assert re.match(r"https://|#|data:(application/gzip|image/png);base64,|$", attributes.get(attribute) or "")
    assert "\u202e" not in html
    assert "\x1b" not in html
    assert data_of(html)["times"]


def test_the_policy_allows_the_pages_own_script_and_style_and_nothing_else() -> None:
    html = page(SLOW)
    assert "unsafe" not in policy()
    assert policy().startswith("default-src 'none'; ")
    meta = next(m for m in Seen(html).tags("meta") if m.get("http-equiv"))
    assert policy() == f"{meta['content']}; frame-ancestors 'none'"
    assert [m.get("type") for m in Seen(html).tags("script")] == ["application/json", None]


def test_the_page_names_nothing_to_fetch() -> None:
    seen = Seen(page(SLOW))
    assert not {tag for tag, _ in seen.elements} & {"link", "iframe", "object", "embed", "audio", "video", "base", "form"}
    assert all((image["src"] or "").startswith("data:image/png;base64,") for image in seen.tags("img"))
    assert all("src" not in script for script in seen.tags("script"))


def test_every_picture_has_words_and_headings_follow_each_other() -> None:
    seen = Seen(page(SLOW))
    assert all(image.get("alt") for image in seen.tags("img"))
    assert all(svg.get("aria-label") or svg.get("aria-hidden") or svg.get("viewbox") for svg in seen.tags("svg"))
    levels = [int(tag[1]) for tag, _ in seen.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_case_in_the_page_is_the_case() -> None:
    link = next(a["href"] for a in Seen(page(SLOW)).tags("a") if a.get("download"))
    assert decode(gzip.decompress(base64.b64decode((link or "").partition(",")[2])), Case) == SLOW


def test_a_served_page_links_to_the_case_instead() -> None:
    html = page(SLOW, case_href="?token=t&as=case")
    assert next(a["href"] for a in Seen(html).tags("a") if a.get("download")) == "?token=t&as=case"
    assert "data:application/gzip" not in html


def big_pool(nodes: int, minutes: int) -> Case:
    """Every metric of every node, with values that do not compress to nothing."""
    names = [f"aks-apps-12345678-vmss{n:06x}" for n in range(nodes)]
    metrics = sorted({s.metric for s in SLOW.series})
    series = tuple(
        Series(metric, T0, node, values=tuple(round((n * 37 + m * 11 + len(metric) * 7) % 101 * 0.97, 2) for m in range(minutes)))
        for metric in metrics for n, node in enumerate(names))
    pulls = tuple(Pull(f"contoso.azurecr.io/web:{n % 40}", node, T0 + timedelta(minutes=5 + n % 30), "pulled", pod=f"shop/web-{n}", seconds=200.0, size_bytes=10**9)
                  for n, node in enumerate(names * 4))
    return replace(SLOW, series=series, pulls=pulls, window=Window(T0, T0 + timedelta(minutes=minutes)), pool=replace(SLOW.pool, node_count=nodes))


def test_three_hundred_nodes_for_an_hour_fit_in_three_megabytes() -> None:
    html = page(big_pool(300, 60))
    assert len(html.encode()) < 3_000_000
    assert len(data_of(html)["heat"]["nodes"]) == 300


def test_of_a_thousand_nodes_the_worst_are_shown_and_that_is_said() -> None:
    html = page(big_pool(1000, 60))
    assert len(html.encode()) < 3_000_000
    assert len(data_of(html)["heat"]["nodes"]) == 300
    assert "of 1,000 nodes" in shown(html)
    assert "the worst 300 of them are shown" in shown(html)


def test_a_day_is_drawn_in_steps_of_several_minutes() -> None:
    found = data_of(page(big_pool(20, 24 * 60)))
    assert len(found["times"]) == 360
    assert all(len(readings) == 360 for readings in found["readings"])


def test_one_node_gets_a_line_and_no_heat_strip() -> None:
    lone = replace(SLOW, series=tuple(s for s in SLOW.series if s.node == NODES[0]), pulls=SLOW.pulls[:1])
    html = page(lone)
    assert data_of(html)["heat"] is None
    assert "median" not in " ".join(data_of(html)["readings"][1])


def test_without_any_data_the_page_says_so() -> None:
    text = shown(page(replace(SLOW, series=(), pulls=(), registry_minutes=(), coverage=(), baseline=None)))
    assert "Nothing was measured in this window" in text
    assert "unknown" in text
    assert "p95 pull 0" not in text


def test_what_was_not_measured_is_a_gap_and_is_said() -> None:
    gappy = replace(SLOW, series=tuple(replace(s, values=(None, *s.values[1:])) for s in SLOW.series))
    readings = data_of(page(gappy))["readings"]
    assert all(one[0] == "not measured" for one in readings[1:])
    assert len(readings[1]) == MINUTES


def test_absurd_values_are_not_drawn() -> None:
    absurd = replace(SLOW, series=tuple(replace(s, values=(1e300, -5.0, *s.values[2:])) for s in SLOW.series))
    assert data_of(page(absurd))["readings"][1][:2] == ["not measured"] * 2
    assert "inf" not in re.findall(r' d="([^"]*)"', page(absurd))


def test_a_pull_that_was_refused_and_tried_again_counts_as_one_long_wait() -> None:
    retried = replace(SLOW, pulls=(failed(NODES[0], 1, 4, "throttled", pod="shop/a"), Pull("contoso.azurecr.io/web:1", NODES[0], minute(5), "pulled", pod="shop/a", seconds=3.0)))
    pulls = data_of(page(retried))["readings"][0]
    assert [reading.startswith("1 slow") for reading in pulls] == [False, True, True, True, True, True, False, False, False, False]


def test_the_same_case_gives_the_same_page() -> None:
    assert page(SLOW) == page(SLOW)


# --- the fleet, and pages that say why not ---


def incident(severity: Severity) -> Incident:
    return Incident("i", "c", "apps", Cause.DISK_IOPS, severity, NOW, NOW)


def test_the_fleet_lists_the_worst_first_and_says_who_was_told() -> None:
    lines = [PoolLine("prod", "calm", 3, looked_at=NOW), PoolLine("prod", "warm", incident=incident(Severity.WARNING)),
             PoolLine("prod", "hot", incident=incident(Severity.CRITICAL), report_url="https://app.example/api/reports/x?token=t")]
    sent = [Delivery("d1", "n", "c", "teams", NOW, NOW, "delivered"), Delivery("d2", "n", "c", "slack", NOW, NOW, "parked", reason="404: no such webhook")]
    text = shown(render_fleet(lines, sent, now=NOW))
    assert text.index("hot") < text.index("warm") < text.index("calm")
    assert "2 open incidents on 3 node pools" in text
    assert "404: no such webhook" in text


def test_an_empty_fleet_says_what_to_look_at() -> None:
    text = shown(render_fleet([], [], now=NOW))
    assert "No pool has been seen yet" in text
    assert "Nothing has been sent yet" in text


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_text_on_the_fleet_page_too(name: str) -> None:
    parked = Delivery("d", "n", "c", name, NOW, NOW, "parked", reason=name)
    seen = Seen(render_fleet([PoolLine(name, name, incident=incident(Severity.WARNING), report_url="https://a.example/")], [parked], now=NOW))
    plain = Seen(render_fleet([PoolLine("a", "b", incident=incident(Severity.WARNING), report_url="https://a.example/")], [replace(parked, receiver="r", reason="s")], now=NOW))
    assert [tag for tag, _ in seen.elements] == [tag for tag, _ in plain.elements]


@pytest.mark.parametrize("problem", ["missing", "expired", "refused", "off"])
def test_every_page_that_says_why_not_says_what_to_do(problem: Any) -> None:
    assert re.search(r"pullwatch\.py|Set PULLWATCH_|Open it from", shown(render_problem(problem)))
