"""What is deployed agrees with the code: names, events, settings, roles."""

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.host import ncrontab
from shared import events, services, settings
from shared.flow import jobs
from shared.watch.store import TABLE
from tests.infra import bicep

ROOT = bicep.ROOT
MAIN, STORAGE, TOPIC = (bicep.INFRA / name for name in ("main.bicep", "app/storage.bicep", "events/topic.bicep"))
EVENTS = bicep.INFRA / "events" / "events.bicep"
FUNCTION = bicep.INFRA / "app" / "function.bicep"
PLATFORM = {
    "AzureWebJobsStorage__accountName", "AzureWebJobsStorage__credential", "AzureWebJobsStorage__clientId",
    "APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY",
}
"""Settings that the Functions host reads, not Pullwatch."""


def read_json(name: str) -> Any:
    return json.loads((ROOT / name).read_text())


@pytest.fixture(scope="module")
def bindings() -> list[dict[str, Any]]:
    """Every binding of the function app as Azure would index it, with the function's name."""
    app = importlib.import_module("function_app").app
    return [{**binding, "function": function.get_function_name()} for function in app.get_functions()
            for binding in json.loads(function.get_function_json())["bindings"]]


def of_type(bindings: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [binding for binding in bindings if binding["type"].lower() == kind.lower()]


def known_setting(name: str) -> bool:
    fields = {settings.env_name(field) for field in settings.Settings.__struct_fields__}
    return name in fields or any(name.startswith(f"PULLWATCH_{kind}_URL_") for kind in ("TEAMS", "SLACK", "WEBHOOK"))


# --- the files themselves ------------------------------------------------------------------------


@pytest.mark.parametrize("path", bicep.FILES, ids=lambda p: str(p.relative_to(bicep.INFRA)))
class TestEachBicepFile:
    def test_is_valid_syntax(self, path: Path) -> None:
        assert bicep.parsed(path)

    def test_uses_every_parameter_and_variable_and_defines_every_name(self, path: Path) -> None:
        assert bicep.unused(path) == set()
        assert bicep.undefined(path) == set()

    def test_gives_its_modules_exactly_the_parameters_they_have(self, path: Path) -> None:
        for module, given in bicep.module_calls(path):
            parameters = bicep.parsed(module)["parameters"]
            required = {name for name, one in parameters.items() if one["default"] is None}
            assert required <= given <= set(parameters), module.name

    def test_needs_no_network_to_build(self, path: Path) -> None:
        assert "br/public:" not in path.read_text()

    def test_gives_out_no_secret(self, path: Path) -> None:
        secret = {name for name, one in bicep.parsed(path).get("parameters", {}).items()
                  if any(d["type"] == "secure" for d in one["decorators"])}
        outputs = "".join(re.findall(r"(?ms)^output .*", path.read_text()))
        assert not secret & set(re.findall(r"\w+", outputs))
        assert not re.search(r"(?i)param \w*(url|secret)\b", re.sub(r"@secure\(\)(\n@description\(.*?\))?\nparam \w+", "", path.read_text()))


def test_an_undefined_name_and_an_unused_one_are_seen(tmp_path: Path) -> None:
    file = tmp_path / "a.bicep"
    file.write_text("param used string\nparam idle string\nvar x = '${used}-${missing}'\noutput y string = x ? used : alsoMissing\n")
    assert (bicep.undefined(file), bicep.unused(file)) == ({"missing", "alsoMissing"}, {"idle"})


def test_every_template_and_parameter_file_is_used() -> None:
    called = {module for path in bicep.FILES for module, _ in bicep.module_calls(path)}
    assert set(bicep.FILES) - called == {MAIN}
    assert set(bicep.parsed(MAIN)["parameters"]) - set(read_json("infra/main.parameters.json")["parameters"]) == {"linkSecret"}, "made anew by its default"


@pytest.mark.parametrize("script", ["subscribe.sh", "subscribe.ps1"])
def test_the_postdeploy_scripts_give_the_events_template_what_it_asks_for(script: str) -> None:
    text = (bicep.INFRA / "events" / script).read_text()
    assert set(re.findall(r"^.*?(?:--parameters)?\s+(\w+)=\S+ [\\`]$", text, re.MULTILINE)) == set(
        bicep.parsed(bicep.INFRA / "events" / "events.bicep")["parameters"])
    outputs = set(bicep.declared(MAIN, "output"))
    inputs = set(re.findall(r"\$\{(\w+)=", (bicep.INFRA / "main.parameters.json").read_text()))
    given_by_azd = {"AZURE_ENV_NAME", "AZURE_SUBSCRIPTION_ID"}
    assert set(re.findall(r"(?:\$\{?|\$env:)((?:AZURE|PULLWATCH)_\w+)", text)) <= outputs | inputs | given_by_azd


def test_azd_deploys_this_folder_as_the_service_that_the_template_tags() -> None:
    text = (ROOT / "azure.yaml").read_text()
    service = re.search(r"services:\n  (\w+):\n    project: \.\n    language: python\n    host: function", text)
    assert service
    assert f"'azd-service-name': '{service[1]}'" in FUNCTION.read_text()
    assert all((ROOT / script).exists() for script in re.findall(r"run: (?:sh )?(\S+)", text))


# --- queues, tables, containers, functions --------------------------------------------------------


def values_of(path: Path, variable: str) -> list[str]:
    return list(bicep.parsed(path)["variables"][variable]["value"])


def test_the_queues_are_those_that_functions_wait_for_and_the_flow_writes_to(bindings: list[dict[str, Any]]) -> None:
    triggers = {binding["queueName"] for binding in of_type(bindings, "queueTrigger")}
    assert set(values_of(STORAGE, "queueNames")) == triggers == {jobs.EVENTS, jobs.ASSESSMENTS, jobs.ANNOUNCEMENTS, jobs.DELIVERIES}
    assert values_of(STORAGE, "queueNames")[0] == jobs.EVENTS, "the role of Event Grid is on queues[0]"
    assert f"queueName: '{jobs.EVENTS}'" in TOPIC.read_text()


def test_every_queue_trigger_reads_the_account_that_is_deployed(bindings: list[dict[str, Any]]) -> None:
    assert {binding["connection"] for binding in of_type(bindings, "queueTrigger")} == {"AzureWebJobsStorage"}


def test_table_and_containers_are_those_of_the_code() -> None:
    assert f"name: '{TABLE}'" in STORAGE.read_text()
    containers = values_of(STORAGE, "containerNames")
    assert containers == [services.CONTAINER, "deployments", "dead-letters"]
    assert f"blobContainerName: '{containers[2]}'" in TOPIC.read_text(), "the role of Event Grid is on containers[2]"
    assert "primaryEndpoints.blob}deployments'" in STORAGE.read_text()


def test_event_grid_and_always_ready_name_functions_that_exist(bindings: list[dict[str, Any]]) -> None:
    event_grid = {binding["function"] for binding in of_type(bindings, "eventGridTrigger")}
    assert {name.rpartition("/")[2] for name in bicep.strings(TOPIC) if "/functions/" in name} == event_grid
    named = [text for text in bicep.strings(FUNCTION) if text.startswith("on_")]
    assert len(named) == 2
    assert set(named) <= {binding["function"] for binding in bindings}


# --- events --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kinds() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read_json("infra/events/kinds.json")
    return found


def test_every_event_type_that_the_parser_reads_is_subscribed_to_and_no_other(kinds: dict[str, dict[str, Any]]) -> None:
    subscribed = {name for kind in kinds.values() for name in kind["eventTypes"]}
    assert subscribed == {events.UPGRADE_STARTED, events.UPGRADE_SUCCEEDED, events.UPGRADE_FAILED, events.RESOURCE_WRITTEN,
                          events.RESOURCE_ACTION, events.SCHEDULED_EVENT}


def test_every_operation_that_the_parser_reads_passes_the_filter_and_no_other(kinds: dict[str, dict[str, Any]]) -> None:
    read = {events.SCALE_SET_WRITE, events.SCALE_SET_DELETE_INSTANCES, events.AGENT_POOL_WRITE}
    assert {name.lower() for name in kinds["subscription"]["operationNames"]} == read
    assert {name.lower() for name in kinds["nodeResourceGroup"]["operationNames"]} == read - {events.AGENT_POOL_WRITE}


def test_every_kind_of_topic_is_deployed(kinds: dict[str, dict[str, Any]]) -> None:
    text = "".join(path.read_text() for path in bicep.FILES)
    assert set(re.findall(r"kind: kinds\.(\w+)", text)) == set(kinds)


def test_a_topic_of_a_global_source_has_no_identity_and_calls_the_function() -> None:
    """Azure refuses an identity there: "Enable managed identity on Azure Event Grid system topic"."""
    assert "var identified = location != 'global'" in TOPIC.read_text()
    assert "identity: identified ? identityOfTopic : noIdentity" in TOPIC.read_text()
    text = EVENTS.read_text()
    for name in re.findall(r"module \w+ 'topic\.bicep' = \[for \(id, i\) in (\w+):", text):
        assert re.search(rf"var {name} = calling && .* \? subscriptionIds : \[\]", text), name
    assert "withNodeResourceGroup: calling && " in text
    assert "var calling = part == 'function'" in text
    assert re.search(r"upgradeDelivery: eventDelivery\s+part: 'queue'", MAIN.read_text())


@pytest.mark.parametrize("script", ["subscribe.sh", "subscribe.ps1"])
def test_what_calls_the_function_is_subscribed_after_every_deployment_of_the_code(script: str) -> None:
    text = (bicep.INFRA / "events" / script).read_text()
    assert "part=function" in text
    assert "exit 0" not in text
    assert script in (ROOT / "azure.yaml").read_text().partition("postdeploy:")[2]


def test_a_topic_is_made_in_the_subscription_of_its_source() -> None:
    found = re.findall(r"scope: (.*)\n  params: \{\n    name: .*\n    location: 'global'\n    source: '(.*)'", EVENTS.read_text())
    assert found == [("resourceGroup(id, homeGroups[i])", "/subscriptions/${id}")] * 2


def test_undelivered_events_are_retried_for_a_day_and_then_kept() -> None:
    text = TOPIC.read_text()
    assert re.search(r"maxDeliveryAttempts: 30\s+eventTimeToLiveInMinutes: 1440", text)
    assert "deadLetterWithResourceIdentity" in text


# --- settings ------------------------------------------------------------------------------------


def deployed_settings() -> Iterator[str]:
    for path, variable in ((FUNCTION, "host"), (FUNCTION, "ours"), (MAIN, "secretReferences")):
        yield from bicep.parsed(path)["variables"][variable]["value"]
    yield from read_json("infra/settings.json")


def test_every_deployed_setting_is_one_that_code_or_host_reads() -> None:
    unknown = {name for name in deployed_settings() if not known_setting(name)} - PLATFORM
    assert unknown == set()


def test_every_setting_that_a_binding_needs_is_deployed(bindings: list[dict[str, Any]]) -> None:
    needed = {name for binding in bindings for value in binding.values() if isinstance(value, str) for name in re.findall(r"^%(\w+)%$", value)}
    schedules = {settings.env_name(field) for field in settings.Settings.__struct_fields__ if field.endswith("_schedule")}
    assert needed | schedules <= set(deployed_settings())


@pytest.mark.parametrize("file", ["infra/settings.json", "local.settings.sample.json"])
def test_schedules_are_valid_and_the_defaults(file: str) -> None:
    values = read_json(file).get("Values", read_json(file))
    schedules = {name: value for name, value in values.items() if name.endswith("_SCHEDULE")}
    assert schedules
    for name, value in schedules.items():
        assert value == getattr(settings.Settings(), name.removeprefix("PULLWATCH_").lower())
        assert ncrontab.parse(value)


def test_the_deployed_settings_load_once_key_vault_has_resolved_them() -> None:
    assert settings.load(read_json("infra/settings.json"))


def test_every_secret_setting_comes_from_key_vault_under_its_own_name() -> None:
    references = bicep.parsed(MAIN)["variables"]["secretReferences"]["value"]
    secrets = {name.lower().replace("_", "-") for name in references}
    assert secrets == {text for text in bicep.strings(bicep.INFRA / "app" / "vault.bicep") if re.fullmatch(r"pullwatch-(?:\w+-)+\w+", text)}
    for name in references:
        assert f"${{reference}}{name.lower().replace('_', '-')})'" in MAIN.read_text()


# --- identity and roles ---------------------------------------------------------------------------


def test_every_role_of_the_table_is_assigned_and_every_assignment_says_which_call_needs_it() -> None:
    table = read_json("infra/roles.json")
    assigned: set[str] = set()
    for path in bicep.FILES:
        for comment, body in re.findall(r"(?m)^(.*)\nresource \w+ 'Microsoft\.Authorization/roleAssignments@.*?' = \{\n((?:  .*\n)+)\}", path.read_text()):
            assert comment.startswith("// "), f"{path.name}: {body.splitlines()[0]}"
            assert "principalType: 'ServicePrincipal'" in body
            roles = re.findall(r"roles\.(\w+)", body)
            assert len(roles) == 2, "in the name and in the definition"
            assert len(set(roles)) == 1, "in the name and in the definition"
            assigned.add(roles[0])
    assert assigned == set(table)


def test_role_ids_stand_in_the_one_table_and_in_the_security_page_only() -> None:
    ids = set(read_json("infra/roles.json").values())
    assert len(ids) == len(read_json("infra/roles.json"))
    text = "".join(path.read_text() for path in bicep.FILES)
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", text)
    assert set(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", (ROOT / "docs" / "security.md").read_text())) == ids


def test_keys_and_local_authentication_are_off() -> None:
    assert "allowSharedKeyAccess: false" in STORAGE.read_text()
    monitoring = (bicep.INFRA / "app" / "monitoring.bicep").read_text()
    assert "disableLocalAuth: true" in monitoring
    assert "DisableLocalAuth: true" in monitoring
    assert "enableRbacAuthorization: true" in (bicep.INFRA / "app" / "vault.bicep").read_text()


def test_the_app_runs_on_flex_consumption_with_the_python_of_this_checkout() -> None:
    text = FUNCTION.read_text()
    assert "name: 'FC1'" in text
    assert f"version: '{(ROOT / '.python-version').read_text().strip()}'" in text
