"""The doctor, asked about a whole and a broken set-up: the real SDKs against the local Azure and Azurite."""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

import pullwatch
from local.azure import Fault, LocalAzure
from local.azurite import Azurite
from local.world import build
from local.world.types import World
from shared import doctor
from shared.doctor import Check
from shared.doctor.platform import judged_clock
from shared.doctor.receivers import _JUDGES
from shared.services import Services
from shared.services import services as services_of
from shared.settings import KINDS, Receiver, Secret, load

type Examine = Callable[..., dict[str, Check]]
type Build = Callable[[Mapping[str, str]], Services]
TEAMS = "https://a.1f.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/x/triggers/manual/paths/invoke?api-version=1&sig=s3cret"
SLACK = "https://hooks.slack.com/services/T0/B0/s3cret"


@pytest.fixture(scope="module")
def world() -> World:
    return build("disk-iops", 0, datetime.now(UTC))


@pytest.fixture
def examine(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Examine]:
    """Serves a world and examines it; checks by name and subject, later ones of a name win."""
    with ExitStack() as stack:

        def run(served: World = world, faults: dict[str, Fault] | None = None, build: Build = services_of, **environ: str) -> dict[str, Check]:
            local = stack.enter_context(LocalAzure(served, metrics_lag_seconds=0))
            for kind, fault in (faults or {}).items():
                local.faults.add(kind, fault)
            for name, value in {**local.environ, "PULLWATCH_AZURE_BUDGET_SECONDS": "20"}.items():
                monkeypatch.setenv(name, value)
            checks = list(doctor.examine({**local.environ, "PULLWATCH_TEAMS_URL": TEAMS, "PULLWATCH_AZURE_BUDGET_SECONDS": "20", **environ}, build))
            run.all = checks  # type: ignore[attr-defined]
            return {check.name: check for check in checks}

        yield run


def without_normal_events(world: World) -> World:
    rows = [row for row in world.tables["KubeEvents"] if row["KubeEventType"] != "Normal"]
    latest = max(row["TimeGenerated"] for row in world.tables["KubeEvents"])
    warning = {**world.tables["KubeEvents"][-1], "KubeEventType": "Warning", "Reason": "BackOff", "TimeGenerated": latest}
    return replace(world, tables={**world.tables, "KubeEvents": [*rows, warning]})


def with_topics(world: World, *topics: tuple[str, str]) -> World:
    made = [{"id": f"/subscriptions/{subscription_of(world)}/resourceGroups/rg/providers/Microsoft.EventGrid/systemTopics/t{n}", "name": f"t{n}",
             "type": "microsoft.eventgrid/systemtopics", "location": "global", "properties": {"topicType": kind, "source": source}}
            for n, (kind, source) in enumerate(topics)]
    return replace(world, resources=[*world.resources, *made])


def cluster_of(world: World) -> dict[str, Any]:
    return next(r for r in world.resources if r["type"].lower().endswith("/managedclusters"))


def subscription_of(world: World) -> str:
    return str(cluster_of(world)["id"]).split("/")[2]


# --- a whole set-up ------------------------------------------------------------------------------


def test_a_whole_set_up_has_nothing_to_mend(examine: Examine, world: World, azurite: Azurite) -> None:
    served = with_topics(world, ("Microsoft.ContainerService.ManagedClusters", cluster_of(world)["id"]),
                         ("Microsoft.Resources.Subscriptions", f"/subscriptions/{subscription_of(world)}"))
    checks = examine(served, AzureWebJobsStorage=azurite.connection_string, PULLWATCH_AZURE_BUDGET_SECONDS="60")
    assert {name: (check.status, check.found) for name, check in checks.items() if check.status != "ok"} == {}
    assert {"settings", "receiver teams", "storage table", "storage queue", "storage blob", "clock", "identity", "fleet", "kube events",
            "metrics", "scale set", "registry log", "upgrade events", "scale events"} <= set(checks)
    assert doctor.exit_code(checks.values()) == 0


def test_at_a_terminal_no_storage_is_needed(examine: Examine) -> None:
    assert examine()["storage"].status == "skipped"


# --- what is switched off ------------------------------------------------------------------------


def test_where_normal_events_are_left_out_the_config_map_is_given_whole(examine: Examine, world: World) -> None:
    check = examine(without_normal_events(world))["kube events"]
    assert check.status == "warning"
    assert "collect_all_kube_events]\n        enabled = true" in check.do


def test_a_cluster_without_container_insights_is_told_the_command(examine: Examine, world: World) -> None:
    resources = copy.deepcopy(world.resources)
    next(r for r in resources if r["id"] == cluster_of(world)["id"])["properties"]["addonProfiles"] = {}
    check = examine(replace(world, resources=resources))["container insights"]
    assert check.do.startswith(f"az aks enable-addons --addon monitoring --name {cluster_of(world)['name']} ")


def test_a_registry_without_logs_is_told_the_command(examine: Examine, world: World) -> None:
    silent = {name: rows for name, rows in world.tables.items() if not name.startswith("ContainerRegistry")}
    check = examine(replace(world, tables=silent))["registry log"]
    assert check.status == "warning"
    assert check.do.startswith("az monitor diagnostic-settings create")
    assert "ContainerRegistryRepositoryEvents" in check.do


def test_the_registries_that_are_attached_to_a_cluster_are_named(examine: Examine, world: World) -> None:
    assert examine()["attached registries"].found == "contosoprodweu.azurecr.io"
    unattached = replace(world, resources=[r for r in world.resources if not r["type"].startswith("microsoft.authorization/")])
    check = examine(unattached)["attached registries"]
    assert (check.status, check.found) == ("skipped", "none that can be seen: its nodes pull with secrets, or public images only")


def test_a_cluster_of_auto_provisioned_nodes_is_examined_like_any_other(examine: Examine) -> None:
    checks = examine(build("provisioned-iops", 0, datetime.now(UTC)))
    assert (checks["metrics"].status, checks["metrics"].subject) == ("ok", "nap-neu / default")
    assert "scale set" not in checks


def test_events_that_stopped_arriving_are_told_with_their_age(examine: Examine, world: World) -> None:
    old = [{**row, "TimeGenerated": row["TimeGenerated"] - timedelta(hours=5)} for row in world.tables["KubeEvents"]]
    assert "old" in examine(replace(world, tables={**world.tables, "KubeEvents": old}))["kube events"].found


def test_a_cluster_that_no_topic_tells_of_is_found(examine: Examine) -> None:
    checks = examine()
    assert (checks["upgrade events"].status, checks["scale events"].status) == ("warning", "warning")
    assert "azd provision" in checks["upgrade events"].do
    assert doctor.exit_code(checks.values()) == 1


def test_a_topic_of_the_node_resource_group_tells_of_growth_too(examine: Examine, world: World) -> None:
    group = f"/subscriptions/{subscription_of(world)}/resourceGroups/{cluster_of(world)['properties']['nodeResourceGroup']}"
    assert examine(with_topics(world, ("Microsoft.Resources.ResourceGroups", group)))["scale events"].status == "ok"


# --- what does not answer ------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "name"), [("logs", "kube events"), ("metrics_batch", "metrics"), ("scale_sets", "scale set")])
def test_one_source_that_fails_costs_its_own_line_only(examine: Examine, kind: str, name: str) -> None:
    checks = examine(faults={kind: Fault(status=429, retry_after_seconds=0)})
    assert checks[name].status == "unreadable"
    assert (checks["fleet"].status, checks["upgrade events"].status) == ("ok", "warning")
    assert doctor.exit_code(checks.values()) == 3


@pytest.mark.parametrize(("kind", "name", "role"), [
    ("logs", "kube events", "Log Analytics Reader"), ("logs", "registry log", "Log Analytics Reader"),
    ("metrics_batch", "metrics", "Monitoring Reader"), ("scale_sets", "scale set", "Reader"), ("graph", "identity", "Reader"),
])
def test_a_role_that_is_missing_is_told_as_the_command_that_assigns_it(examine: Examine, world: World, kind: str, name: str, role: str) -> None:
    environ = {"AZURE_CLIENT_ID": "c11e", "PULLWATCH_SUBSCRIPTIONS": subscription_of(world)}
    checks = examine(faults={kind: Fault(status=403)}, **environ)
    check = checks[name]
    assert check.status == "failed"
    assert check.do == f'az role assignment create --role "{role}" --assignee c11e --scope /subscriptions/{subscription_of(world)}'
    assert doctor.exit_code(checks.values()) == (3 if name == "identity" else 1)


def test_at_a_terminal_the_role_is_for_who_is_signed_in(examine: Examine) -> None:
    assert '--assignee "$(az ad signed-in-user show' in examine(faults={"metrics_batch": Fault(status=403)})["metrics"].do


def test_a_key_vault_reference_that_nobody_resolved_is_told_with_the_role_that_does(examine: Examine) -> None:
    (check,) = doctor.examine({"PULLWATCH_TEAMS_URL": "@Microsoft.KeyVault(VaultName=kv;SecretName=pullwatch-teams-url)"})
    assert "PULLWATCH_TEAMS_URL is an unresolved Key Vault reference" in check.found
    assert check.do.startswith('az role assignment create --role "Key Vault Secrets User"')
    assert doctor.exit_code([check]) == 2


def test_a_clock_that_is_wrong_is_something_to_mend(examine: Examine) -> None:
    checks = examine(build=lambda environ: Services(load(environ), clock=lambda: datetime.now(UTC) + timedelta(minutes=7)))
    assert checks["clock"].status == "failed"
    assert checks["clock"].found.endswith("s off Azure's")
    assert doctor.exit_code(checks.values()) == 1


def test_the_clusters_named_before_stay_named(examine: Examine, world: World) -> None:
    named = "/subscriptions/s/resourceGroups/r/providers/Microsoft.ContainerService/managedClusters/other"
    do = examine(PULLWATCH_CLUSTERS=f"{named},{cluster_of(world)['id']}")["upgrade events"].do
    assert do == f'azd env set PULLWATCH_CLUSTERS "{named},{cluster_of(world)["id"]}" && azd provision'


def test_an_azure_that_cannot_be_signed_in_to_ends_the_examination_with_3(examine: Examine) -> None:
    checks = examine(IDENTITY_ENDPOINT="http://127.0.0.1:9/none", faults={"graph": Fault(status=500)})
    assert "fleet" not in checks
    assert checks["identity"].status in ("failed", "unreadable")
    assert doctor.exit_code(checks.values()) == 3


def test_storage_that_is_not_there_is_told_and_the_rest_is_examined(examine: Examine) -> None:
    gone = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:9/a;QueueEndpoint=http://127.0.0.1:9/a;BlobEndpoint=http://127.0.0.1:9/a"
    checks = examine(AzureWebJobsStorage=gone)
    assert {checks[f"storage {kind}"].status for kind in ("table", "queue", "blob")} == {"unreadable"}
    assert checks["fleet"].status == "ok"


def test_a_certificate_of_an_unknown_authority_is_told_as_a_matter_of_network(examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    build_world_first = examine()
    assert build_world_first["clock"].status == "ok"
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    check = {check.name: check for check in doctor.examine({"PULLWATCH_TEAMS_URL": TEAMS, **_endpoint()})}["clock"]
    assert check.status == "unreadable"
    assert "REQUESTS_CA_BUNDLE" in check.do


def _endpoint() -> dict[str, str]:
    import os

    return {name: os.environ[name] for name in ("AZURE_RESOURCE_MANAGER_ENDPOINT",)} | {"PULLWATCH_AZURE_BUDGET_SECONDS": "2"}


# --- settings, receivers, clock: no Azure needed --------------------------------------------------


def test_a_wrong_setting_ends_the_examination_with_2_and_one_sentence() -> None:
    checks = list(doctor.examine({"PULLWATCH_QUEUE_DEPTH": "many"}))
    assert [check.name for check in checks] == ["settings"]
    assert "PULLWATCH_QUEUE_DEPTH" in checks[0].found
    assert doctor.exit_code(checks) == 2


@pytest.mark.parametrize(
    ("kind", "url", "part"),
    [
        ("teams", TEAMS, ""),
        ("teams", TEAMS.partition("&sig")[0], "sig"),
        ("teams", "https://prod-1.westeurope.logic.azure.com/workflows/x?sig=s3cret", "old kind"),
        ("teams", "https://contoso.webhook.office.com/webhookb2/s3cret", "retired"),
        ("teams", "https://example.com/s3cret", "no host"),
        ("slack", SLACK, ""),
        ("slack", "https://hooks.slack.com/workflows/T0/A0/1/s3cret", "Workflow Builder"),
        ("slack", "https://hooks.slack.com/services/T0/s3cret", "not whole"),
        ("slack", "https://example.com/services/T0/B0/s3cret", "no host"),
        ("eventgrid", "https://topic.westeurope-1.eventgrid.azure.net/api/events", ""),
        ("eventgrid", "https://topic.westeurope-1.eventgrid.azure.net/", "/api/events"),
    ],
)
def test_the_shape_of_a_receivers_address_is_judged_and_never_shown(kind: str, url: str, part: str) -> None:
    from urllib.parse import urlsplit

    found, do = _JUDGES[kind](Receiver(kind, Secret(url)), urlsplit(url))
    assert bool(do) == bool(part)
    assert part in found
    assert "s3cret" not in found + do
    assert "T0" not in found + do


@pytest.mark.parametrize(("key", "good"), [("whsec_" + "QUJD" * 10, True), ("whsec_QUJD", False), ("whsec_%%%", False)])
def test_a_webhooks_signing_key_is_judged_too(key: str, good: bool) -> None:
    from urllib.parse import urlsplit

    found, do = _JUDGES["webhook"](Receiver("webhook", Secret("https://x.example"), Secret(key)), urlsplit("https://x.example"))
    assert (do == "") is good
    assert key not in found + do


def test_every_kind_of_receiver_is_judged() -> None:
    assert set(_JUDGES) == set(KINDS)


def test_a_clock_that_is_off_is_told_by_how_much() -> None:
    now = datetime(2026, 11, 24, 10, 5, tzinfo=UTC)
    assert judged_clock("Tue, 24 Nov 2026 10:04:50 GMT", now).status == "ok"
    assert judged_clock("Tue, 24 Nov 2026 10:00:00 GMT", now).found == "300 s off Azure's"
    assert judged_clock("yesterday", now).status == "skipped"


# --- the terminal --------------------------------------------------------------------------------


def test_the_command_prints_one_json_document_and_exits_with_its_code(examine: Examine, capsys: pytest.CaptureFixture[str],
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    examine()
    monkeypatch.setenv("PULLWATCH_TEAMS_URL", TEAMS)
    capsys.readouterr()
    code = pullwatch.main(["doctor", "--format", "json"])
    told = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == code == 1
    assert all(check["do"] for check in told["checks"] if check["status"] in ("warning", "failed"))
    assert "s3cret" not in json.dumps(told)


def test_the_text_is_a_line_a_check_with_what_to_do_beneath() -> None:
    checks = [Check("settings", "", "ok", "every value is valid"), Check("metrics", "prod / apps", "warning", "no value", "Look at the nodes.")]
    assert doctor.render_text(checks).splitlines() == [
        "ok    settings: every value is valid", "warn  metrics · prod / apps: no value", "      → Look at the nodes."]
