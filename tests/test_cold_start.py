"""A cold start pays for what importing the app loads: the platform's own modules, and next to nothing else."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
OURS = {"function_app", "functions", "functions.events", "functions.notices", "functions.pools", "functions.web", "shared", "shared.schedules"}
"""All that may come with the app beyond ``azure.functions``: triggers that load the product when they run."""
LOADED = "import sys, json; {}; print(json.dumps(sorted(sys.modules)))"


def modules(statement: str) -> set[str]:
    command = [sys.executable, "-c", LOADED.format(statement)]
    return set(json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout))  # noqa: S603  # our own line


def test_importing_the_app_loads_the_triggers_and_nothing_else() -> None:
    brought = modules("import function_app") - modules("import azure.functions, logging, json")
    assert brought <= OURS, "load it in the function that needs it"


def test_reports_and_receivers_are_not_loaded_to_screen_the_fleet() -> None:
    loaded = modules("import shared.flow.sweep")
    assert not {name for name in loaded if name.startswith(("vl_convert", "jinja2", "requests", "shared.notify.", "azure.mgmt", "azure.storage"))}
