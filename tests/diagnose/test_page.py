"""docs/how-it-decides.md says what the code does: every number in one is in the other."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import shared.diagnose
from shared.model import Cause, Thresholds
from shared.settings import env_name

PAGE = (Path(__file__).parent.parent.parent / "docs" / "how-it-decides.md").read_text()
ROWS = {name: (value, module) for name, value, module in re.findall(r"^\| `([A-Z_]+)` \| ([\d.]+) \| (\w+) \|$", PAGE, re.MULTILINE)}


def constants() -> dict[str, tuple[float, str]]:
    found = {}
    for info in pkgutil.iter_modules(shared.diagnose.__path__):
        module = importlib.import_module(f"shared.diagnose.{info.name}")
        for name, value in vars(module).items():
            own = re.search(rf"^(?:[A-Z_]+, )*{name}(?:, [A-Z_]+)* = ", Path(str(module.__file__)).read_text(), re.MULTILINE)
            if name.isupper() and not name.startswith("_") and isinstance(value, int | float) and own:
                found[name] = (value, info.name)
    return found


def test_every_number_that_the_rules_use_stands_on_the_page() -> None:
    assert {name: (float(value), module) for name, (value, module) in ROWS.items()} == constants()


@pytest.mark.parametrize("name", Thresholds.__struct_fields__)
def test_every_threshold_that_can_be_set_is_explained(name: str) -> None:
    assert f"`{env_name(name)}`" in PAGE


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_is_explained(cause: Cause) -> None:
    assert f"`{cause.value}`" in PAGE or f"*{cause.value}*" in PAGE
