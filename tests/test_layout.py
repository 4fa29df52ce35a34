"""The rules about what may import what, and about the files beside the code.

Each rule is a function from files (path → text) to complaints, so that it can be shown to see a breach.
"""

import ast
import importlib.metadata
import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local.host import config, ncrontab
from shared import settings

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("shared", "functions", "function_app")
LAZY = (
    "azure.identity", "azure.mgmt", "azure.monitor", "azure.data", "azure.storage", "azure.eventgrid", "requests", "jinja2",
)
"""Each costs a cold start; loaded by the function that uses it."""
WORDS = ("shared.units", "shared.images", "shared.ranks")
"""Pure functions over texts and numbers, which every part may use."""

type Files = Mapping[str, str]
type Rule = Callable[[Files], list[str]]


# --- reading imports -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Import:
    importer: str
    target: str
    """``shared.model.Case`` of ``from shared.model import Case``."""
    at_import_time: bool

    def __str__(self) -> str:
        return f"{self.importer} imports {self.target}"


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def imports(files: Files) -> list[Import]:
    found: list[Import] = []
    for path, text in files.items():
        if path.endswith(".py"):
            found += _imports_of(path, ast.parse(text))
    return found


def _imports_of(path: str, tree: ast.Module) -> Iterator[Import]:
    importer = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    package = importer if path.endswith("/__init__.py") else importer.rpartition(".")[0]
    for node, at_import_time in _walk(tree, True):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            targets = [".".join([*above, *filter(None, [node.module]), alias.name]) for alias in node.names]
        else:
            continue
        yield from (Import(importer, target, at_import_time) for target in targets)


def _walk(node: ast.AST, at_import_time: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Every node, and whether it runs when the module is imported."""
    for child in ast.iter_child_nodes(node):
        lazy = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or (
            isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        )
        yield child, at_import_time
        yield from _walk(child, at_import_time and not lazy)


def only(importers: str, *allowed: str) -> Rule:
    """The rule that of the product's own modules ``importers`` import no others than ``allowed`` and themselves."""

    def rule(files: Files) -> list[str]:
        return [
            str(one) for one in imports(files)
            if within(one.importer, importers) and within(one.target, *PRODUCT, "local", "pullwatch") and not within(one.target, importers, *allowed)
        ]

    return rule


# --- the arrows ----------------------------------------------------------------------------------


def notify_is_imported_by_services_only(files: Files) -> list[str]:
    return [
        str(one) for one in imports(files)
        if within(one.importer, "shared") and within(one.target, "shared.notify") and not within(one.importer, "shared.notify", "shared.services")
    ]


def the_platform_stays_at_the_door(files: Files) -> list[str]:
    return [str(one) for one in imports(files) if within(one.target, "azure.functions") and within(one.importer, "shared")]


def slow_libraries_are_loaded_on_first_use(files: Files) -> list[str]:
    return [str(one) for one in imports(files) if one.at_import_time and within(one.importer, *PRODUCT) and within(one.target, *LAZY)]


ARROWS: dict[Rule, Files] = {
    only("functions", "shared"): {"functions/sweep.py": "from local.host import Host"},
    only("function_app", "functions", "shared"): {"function_app.py": "import pullwatch"},
    only("shared"): {"shared/collect/__init__.py": "def f():\n    from functions import assess"},
    only("shared.diagnose", "shared.model", *WORDS): {"shared/diagnose/disk.py": "from ..settings import Settings"},
    only("shared.watch", "shared.model", "shared.errors", "shared.azure_ids", "shared.settings"): {"shared/watch/store.py": "from shared import collect"},
    only("shared.report", "shared.model", *WORDS): {"shared/report/page.py": "import shared.notify.teams"},
    notify_is_imported_by_services_only: {"shared/watch/outbox.py": "def f():\n    from shared.notify import teams"},
    the_platform_stays_at_the_door: {"shared/events.py": "import azure.functions as func"},
    slow_libraries_are_loaded_on_first_use: {"shared/notify/http.py": "class A:\n    import requests"},
}


@pytest.fixture(scope="module")
def code() -> Files:
    paths = [ROOT / "function_app.py", *(path for package in ("shared", "functions", "local") for path in (ROOT / package).rglob("*.py"))]
    return {str(path.relative_to(ROOT)): path.read_text() for path in paths if path.exists()}


def test_functions_import_shared_and_nothing_else_of_ours(code: Files) -> None:
    assert only("functions", "shared")(code) == []
    assert only("function_app", "functions", "shared")(code) == []


def test_shared_imports_neither_the_doors_nor_what_is_local(code: Files) -> None:
    assert only("shared")(code) == []


def test_local_imports_no_door_but_drives_them_as_azure_does(code: Files) -> None:
    assert only("local", "shared")(code) == []


def test_diagnose_knows_only_the_vocabulary(code: Files) -> None:
    assert only("shared.diagnose", "shared.model", *WORDS)(code) == []


def test_watch_knows_only_the_vocabulary_settings_errors_and_ids(code: Files) -> None:
    assert only("shared.watch", "shared.model", "shared.errors", "shared.azure_ids", "shared.settings")(code) == []


def test_report_knows_only_the_vocabulary(code: Files) -> None:
    assert only("shared.report", "shared.model", *WORDS)(code) == []


def test_nothing_in_shared_but_services_imports_notify(code: Files) -> None:
    assert notify_is_imported_by_services_only(code) == []


def test_shared_knows_nothing_of_azure_functions(code: Files) -> None:
    assert the_platform_stays_at_the_door(code) == []


def test_azure_sdks_requests_and_jinja_are_loaded_on_first_use(code: Files) -> None:
    assert slow_libraries_are_loaded_on_first_use(code) == []


@pytest.mark.parametrize("rule", ARROWS, ids=lambda rule: rule.__qualname__)
def test_each_arrow_sees_a_breach_of_it(rule: Rule) -> None:
    assert len(rule(ARROWS[rule])) == 1


@pytest.mark.parametrize(
    "text",
    ["def f():\n    import requests", "if TYPE_CHECKING:\n    from azure.storage.queue import QueueClient", "import azure.functions as func", "import requests_toolbelt"],
)
def test_a_lazy_import_is_no_breach(text: str) -> None:
    assert slow_libraries_are_loaded_on_first_use({"functions/assess.py": text}) == []


# --- settings files ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample_values() -> dict[str, str]:
    return json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]


def settings_in_bindings(files: Files) -> set[str]:
    """The names in ``%NAME%`` of all triggers."""
    return {name for path, text in files.items() if within(path.split("/")[0].removesuffix(".py"), "functions", "function_app")
            for name in re.findall(r'"%(\w+)%"', text)}


def test_every_setting_that_a_binding_needs_is_in_the_sample(code: Files, sample_values: dict[str, str]) -> None:
    assert settings_in_bindings(code) <= set(sample_values)


def test_the_sample_names_only_settings_that_exist_and_loads(sample_values: dict[str, str]) -> None:
    known = {settings.env_name(field) for field in settings.Settings.__struct_fields__} | {"FUNCTIONS_WORKER_RUNTIME"}
    assert set(sample_values) <= known
    assert settings.load(sample_values).receivers == (), "placeholders are empty"


@pytest.mark.parametrize("field", ["sweep_schedule", "tidy_schedule"])
def test_the_sample_holds_the_default_schedules_and_they_are_valid(sample_values: dict[str, str], field: str) -> None:
    schedule = sample_values[settings.env_name(field)]
    assert schedule == getattr(settings.Settings(), field)
    assert ncrontab.parse(schedule)


def test_host_json_leaves_an_assessment_the_time_it_may_take() -> None:
    host_json = config.load(ROOT)
    assert host_json.timeout_seconds > 2 * settings.Settings().azure_budget_seconds


def test_host_json_reads_queues_as_event_grid_writes_them() -> None:
    queues = config.load(ROOT).extensions.queues
    assert (queues.message_encoding, queues.max_dequeue_count, queues.retry_seconds) == ("base64", 5, 30)


# --- dependencies --------------------------------------------------------------------------------


PIN = re.compile(r"^[A-Za-z0-9._-]+(\[[a-z,]+\])?==[^\s#]+$")


def unpinned(files: Files) -> list[str]:
    lines = [line.split(" #")[0].strip() for path, text in files.items() if path.endswith(".txt") for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith(("#", "-r ")) and not PIN.match(line)]


def read(*names: str) -> dict[str, str]:
    return {name: (ROOT / name).read_text() for name in names}


def requirements(*names: str) -> list[Requirement]:
    lines = [line.split(" #")[0].strip() for text in read(*names).values() for line in text.splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]


@pytest.mark.parametrize("line", ["requests>=2", "requests", "requests==2.0 ; python_version < '3'", "https://example.com/x.whl", "-e ."])
def test_a_line_that_lets_versions_differ_is_seen(line: str) -> None:
    assert unpinned({"requirements.txt": f"# why\n{line}  # what for\nmsgspec==1.0\n"})


def test_every_python_package_is_pinned_to_one_version_once() -> None:
    assert unpinned(read("requirements.txt", "requirements-dev.txt")) == []
    names = [canonicalize_name(one.name) for one in requirements("requirements.txt", "requirements-dev.txt")]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("names", [("requirements.txt",), ("requirements.txt", "requirements-dev.txt")])
def test_what_the_packages_bring_is_pinned_too(names: tuple[str, ...]) -> None:
    pinned = requirements(*names)
    listed = {canonicalize_name(one.name) for one in pinned}
    needed = {canonicalize_name(need.name) for one in pinned for need in _needs(one)}
    assert needed - listed == set()


def _needs(package: Requirement) -> Iterator[Requirement]:
    for need in map(Requirement, importlib.metadata.requires(package.name) or ()):
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in package.extras or {""}):
            yield need


def test_every_node_package_is_pinned_and_its_lock_names_no_address() -> None:
    versions = json.loads((ROOT / "package.json").read_text())["devDependencies"].values()
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text()


# --- every file ----------------------------------------------------------------------------------


FOREIGN = re.compile(r"(?:pypi|pythonhosted)[.]org|registry[.](?:npmjs|yarnpkg)|deb[.]debian|(?<![\w.])/(?:root|work|tmp/v)/")


def foreign_lines(files: Files) -> list[str]:
    return [f"{path}:{number}: {line[:100]}" for path, text in files.items() for number, line in enumerate(text.splitlines(), 1) if FOREIGN.search(line)]


@pytest.mark.parametrize("line", ["see https://" + "pypi." + "org/x", "registry." + "npmjs.org", "cd /" + "root/x", '"/' + 'work/main"'])
def test_an_address_of_a_registry_or_a_path_of_one_machine_is_seen(line: str) -> None:
    assert foreign_lines({"a": f"fine\n{line}\n"}) == [f"a:2: {line}"]


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  # a fixed command
    if listed.returncode:
        pytest.skip("no git checkout")
    paths = [ROOT / name for name in listed.stdout.splitlines()]
    assert foreign_lines({str(path.relative_to(ROOT)): path.read_text(errors="replace") for path in paths if path.is_file()}) == []
