"""What a message says: chosen words and numbers, before any receiver's layout."""

import unicodedata
from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.model import Cause, Chart, Evidence, Finding, Impact, Remedy, Severity, SlowPull, Verdict
from shared.report import text
from shared.report.literal import lines, one_line
from shared.report.message import Links, build_message, told_late
from tests.report import golden, samples
from tests.report.samples import CULPRIT, DISK_IOPS, ENDED_UPGRADE, HEALTHY, LINKS, NOW, START, cleared, notice, unseen


@pytest.mark.parametrize("name", golden.NOTICES)
def test_each_kind_of_message_reads_as_agreed(name):
    for file, content in golden.rendered(name).items():
        assert content == (golden.DATA / file).read_text(encoding="utf-8"), file


def test_an_incident_is_told_in_the_agreed_shape():
    message = build_message(samples.opened(), LINKS)
    assert message.title == "🔴 Critical: Image pulls on prod-weu / apps are 6 × slower than usual (upgrade to 1.33.4, 16 min in)"
    assert message.bottleneck == "The OS disk is the bottleneck: its 500 IOPS are used up on 9 of 10 nodes"
    assert message.confidence == "confidence 94 %"
    assert message.why == ("OS Disk IOPS Consumed 100 % in 14 of 16 minutes",)
    assert message.trend == "OS Disk Queue Depth up to 34 ▁▂▅▇█▇█·████████ (usually 12, limit 20)"
    assert message.impact == "p95 pull 4 min 12 s (usually 41 s) · 212 pulls, none failed"
    assert message.cleared == "registry (no 429, same region) · network (11 % of the NIC) · CPU (38 %) · kubelet (parallel pulls)"
    assert [step.effect for step in message.steps] == ["p95 about 55 s", "p95 about 1 min 20 s"]


def test_an_upgrade_that_went_well_is_one_quiet_line():
    rendered = text.render(build_message(samples.healthy_upgrade(), LINKS), width=200)
    assert rendered == "✅ Upgrade of prod-weu / apps to 1.33.4 took 34 min on 10 nodes; image pulls were not in the way (p95 38 s)\n"


def test_an_upgrade_that_failed_is_never_quiet_even_if_pulls_were_fine():
    failed = replace(ENDED_UPGRADE, outcome="failed")
    message = build_message(notice(HEALTHY, "summary", operation=failed), LINKS)
    assert message.title.startswith("❌ Failed: Upgrade of prod-weu / apps to 1.33.4 failed after 34 min")
    assert not message.is_quiet


def test_a_healthy_upgrade_with_something_worth_noting_is_not_quiet():
    noted = replace(HEALTHY, severity=Severity.NOTICE)
    message = build_message(notice(noted, "summary", operation=ENDED_UPGRADE), LINKS)
    assert message.cleared.endswith("disk (41 % of 500 IOPS) · CPU (38 %) · kubelet (parallel pulls)")


def test_a_slow_upgrade_ends_with_what_the_first_remedy_would_give():
    assert build_message(samples.slow_upgrade(), LINKS).headline.endswith(
        "image pulls were slow (OS disk IOPS). With remedy 1: p95 about 55 s instead of 4 min 12 s")


def test_a_remedy_that_hardly_changes_p95_is_no_promise():
    slow = DISK_IOPS.culprit
    unchanged = tuple(replace(r, p95_seconds=DISK_IOPS.impact.p95_seconds) for r in slow.remedies)
    findings = tuple(replace(f, remedies=unchanged) if f is slow else f for f in DISK_IOPS.findings)
    message = build_message(notice(replace(DISK_IOPS, findings=findings), "summary", operation=ENDED_UPGRADE), LINKS)
    assert message.headline.endswith("image pulls were slow (OS disk IOPS)")


def test_an_upgrade_whose_start_was_not_seen_is_given_no_length():
    ended = replace(ENDED_UPGRADE, started_at=ENDED_UPGRADE.ended_at)
    message = build_message(notice(DISK_IOPS, "summary", operation=ended), LINKS)
    assert message.headline.startswith("Upgrade of prod-weu / apps to 1.33.4 succeeded (its start was not seen) on 10 nodes; image pulls were slow")


def test_a_scale_out_says_from_how_many_nodes_to_how_many_and_an_upgrade_counts_no_surge_nodes():
    grown = replace(ENDED_UPGRADE, kind="scale_out", target="", nodes_before=3, nodes_after=30)
    assert build_message(notice(DISK_IOPS, "summary", operation=grown), LINKS).headline.startswith("Scale-out of prod-weu / apps took 34 min from 3 to 30 nodes; ")
    surged = replace(ENDED_UPGRADE, nodes_after=13)
    assert "took 34 min on 10 nodes; " in build_message(notice(DISK_IOPS, "summary", operation=surged), LINKS).headline


def test_an_upgrade_without_an_end_says_so():
    lost = replace(ENDED_UPGRADE, ended_at=None, outcome="timed_out")
    title = build_message(notice(DISK_IOPS, "summary", at=START + timedelta(hours=2), operation=lost), LINKS).title
    assert title.startswith("⚪ No end seen: Upgrade of prod-weu / apps to 1.33.4 showed no end within 2 h on 10 nodes")


def test_a_resolved_incident_says_how_long_it_lasted_and_what_it_was():
    message = build_message(samples.resolved(), LINKS)
    assert message.headline == "Image pulls on prod-weu / apps are back to usual after 42 min (p95 38 s)"
    assert message.bottleneck == "The bottleneck was: OS disk IOPS"
    assert message.steps == ()


@pytest.mark.parametrize(("reason", "word"), [
    ("cause_changed", "Critical, new cause"), ("severity_raised", "Critical, worse"), ("reminder", "Critical, still after 16 min"), ("else", "Critical, changed"),
])
def test_a_repeated_message_says_whether_anything_changed(reason, word):
    assert build_message(notice(kind="changed", reason=reason), LINKS).status.word == word


def test_a_message_that_comes_long_after_what_it_tells_says_so():
    opened, quiet = build_message(samples.opened(), LINKS), build_message(golden.NOTICES["healthy_upgrade"](), LINKS)
    assert told_late(opened, NOW, NOW + timedelta(minutes=9)) == opened
    assert told_late(opened, NOW, NOW + timedelta(minutes=58)).title.startswith("🔴 Critical, told 58 min late: Image pulls on prod-weu / apps")
    assert told_late(quiet, NOW, NOW + timedelta(hours=20)).title == f"{quiet.title} (told 20 h late)"


def test_every_status_has_a_word_beside_its_sign():
    for severity in Severity:
        status = build_message(notice(replace(DISK_IOPS, severity=severity)), LINKS).status
        assert status.word.isascii()
        assert not status.emoji.isascii()


# --- what is not known ---


def test_what_was_not_measured_is_unknown_and_never_zero():
    blind = replace(DISK_IOPS, impact=Impact(nodes_total=10, pulls=12, p95_seconds=252))
    message = build_message(notice(blind), LINKS)
    assert message.impact == "p95 pull 4 min 12 s (usual unknown) · 12 pulls, failures unknown"


def test_pulls_that_no_source_shows_are_not_called_slow():
    blind = replace(samples.UNKNOWN, impact=Impact(nodes_total=10))
    assert build_message(notice(blind), LINKS).impact == "Pull times unknown: no pull could be seen"
    summary = build_message(notice(blind, "summary", operation=ENDED_UPGRADE), LINKS)
    assert summary.headline.endswith("took 34 min on 10 nodes; image pulls could not be seen")


def test_pulls_that_only_fail_are_said_to_fail():
    failing = replace(DISK_IOPS, impact=Impact(nodes_total=10, pulls=14, failed=14))
    message = build_message(notice(failing, "summary", operation=ENDED_UPGRADE), LINKS)
    assert message.headline.endswith("image pulls were failing: 14 failed")


def test_a_layer_is_cleared_only_if_all_its_findings_are():
    message = build_message(notice(replace(DISK_IOPS, findings=(
        CULPRIT, cleared(Cause.NETWORK_NIC, "11 %"), unseen(Cause.NETWORK_EGRESS, "the firewall's metrics are not readable"),
        cleared(Cause.CPU_UNPACK, "38 %"),
    ))), LINKS)
    assert message.cleared == "network bandwidth of the nodes (11 %) · CPU (38 %)"
    assert message.not_seen == ("egress firewall: the firewall's metrics are not readable",)


def test_the_layer_to_blame_is_never_among_the_cleared():
    findings = (CULPRIT, cleared(Cause.DISK_BURST, "credits 80 %"), unseen(Cause.DISK_VM_CAP))
    message = build_message(notice(replace(DISK_IOPS, findings=findings)), LINKS)
    assert (message.cleared, message.not_seen) == ("", ())


def test_an_unseen_layer_says_why_and_how_to_see_it():
    message = build_message(samples.unknown(), LINKS)
    assert message.not_seen == (
        "registry throttling: diagnostic settings are off. Fix: turn on ContainerRegistryRepositoryEvents",
        f"disk, CPU: {samples.NO_METRICS}. Fix: {samples.ROLE_FIX}",
    )
    assert message.confidence == ""


def test_an_unknown_cause_points_at_the_slowest_image():
    assert build_message(samples.unknown(), LINKS).why[0].startswith("Slowest: prodweu.azurecr.io/shop/api:4.2.0 took 5 min 1 s")


# --- why, and what to do ---


def test_a_contributing_cause_is_named_among_the_reasons():
    also = Finding(cause=Cause.CPU_UNPACK, verdict=Verdict.CONTRIBUTING, confidence=0.7, evidence=(Evidence(text="97 % on 3 nodes"),))
    message = build_message(notice(replace(DISK_IOPS, findings=(CULPRIT, also))), LINKS)
    assert message.why[-1] == "Also CPU (unpacking): 97 % on 3 nodes"


def test_a_remedy_that_would_make_it_worse_is_a_warning_without_a_command():
    trap = Remedy(title="Ephemeral OS disk (64 MB/s)", command="az aks nodepool add", p95_seconds=380, worse=True)
    worse = replace(CULPRIT, remedies=(trap, *CULPRIT.remedies))
    steps = build_message(notice(replace(DISK_IOPS, findings=(worse,))), LINKS).steps
    assert [step.warning for step in steps] == [False, False, True]
    assert text.step_line(3, steps[2]) == "Not: Ephemeral OS disk (64 MB/s): p95 about 6 min 20 s · It would make this pool slower."
    assert steps[2].command == ""


def test_a_remedy_with_no_prediction_says_that():
    vague = replace(CULPRIT, remedies=(Remedy(title="Smaller images"),))
    assert build_message(notice(replace(DISK_IOPS, findings=(vague,))), LINKS).steps[0].effect == "effect on p95 unknown"


def test_a_note_that_several_remedies_share_is_said_once():
    notes = ("Drain the pool first.", "Drain the pool first. Nodes lose their disk.", "Drain the pool first.")
    several = replace(CULPRIT, remedies=tuple(Remedy(title=f"Remedy {n}", note=note) for n, note in enumerate(notes)))
    steps = build_message(notice(replace(DISK_IOPS, findings=(several,))), LINKS).steps
    assert [step.note for step in steps] == ["Drain the pool first.", "Nodes lose their disk.", ""]


def test_a_big_image_is_followed_by_the_next_slowest_images():
    pulls = tuple(SlowPull(image, "aks-apps-12345678-vmss000000", seconds) for image, seconds in (("big", 300), ("big", 290), ("small", 90)))
    culprit = Finding(cause=Cause.IMAGE_SIZE, verdict=Verdict.CULPRIT, confidence=0.9, evidence=(Evidence(text="The image is the bottleneck: big"),))
    big = replace(DISK_IOPS, cause=Cause.IMAGE_SIZE, findings=(culprit,), impact=replace(DISK_IOPS.impact, slowest=pulls))
    assert build_message(notice(big), LINKS).why == ("Slowest: small took 1 min 30 s on aks-apps-12345678-vmss000000",)


def test_a_command_over_several_lines_becomes_one_line():
    command = build_message(samples.opened(), LINKS).steps[0].command
    assert "\n" not in command
    assert "\\" not in command
    assert command.startswith("az aks nodepool add --resource-group rg-prod")


def test_remedies_that_are_not_shown_are_counted():
    assert build_message(samples.oversized(), LINKS).left_out == "35 more remedies"


def test_a_metric_without_a_value_has_no_sparkline():
    empty = Chart(metric="OS Disk Queue Depth", unit="Count", start=START, step_seconds=60, values=(None, None))
    assert build_message(notice(replace(DISK_IOPS, chart=empty)), LINKS).trend == "OS Disk Queue Depth: unknown"


def test_links_lead_to_the_pool_in_the_right_cloud():
    links = build_message(samples.opened(), Links(portal="https://portal.azure.us")).links
    assert [link.title for link in links] == ["Node pool"]
    assert links[0].url == f"https://portal.azure.us/#resource{samples.CLUSTER_ID}/nodePools"


def test_a_link_that_is_not_https_is_left_out():
    titles = [link.title for link in build_message(samples.opened(), Links(runbook="javascript:alert(1)")).links]
    assert "Runbook" not in titles


# --- text from outside ---


@pytest.mark.parametrize("name", samples.HOSTILE_NAMES)
def test_no_invisible_character_survives(name):
    rendered = text.render(build_message(samples.hostile(name), LINKS))
    assert not {unicodedata.category(c) for c in rendered if c != "\n"} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    rendered.encode("utf-8")


def test_text_is_cut_visibly():
    assert one_line("a" * 50, 10) == "a" * 9 + "…"
    assert lines("az one\n\n  az two\r\n", 100) == "az one\naz two"


def test_an_oversized_diagnosis_still_makes_a_bounded_message():
    assert len(text.render(build_message(samples.oversized(), LINKS))) < 40_000


def test_somebody_who_asks_about_a_healthy_pool_gets_an_answer():
    rendered = text.render_diagnosis(replace(HEALTHY, operation=None), LINKS)
    assert rendered.startswith("✅ OK: Image pulls on prod-weu / apps are fine (p95 38 s)\n")
    assert NOW.strftime("%H:%M UTC") in rendered
    assert "Cleared: registry" in rendered
