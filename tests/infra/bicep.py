"""Bicep files as their text says them: pycep checks the syntax, this finds what is defined and what is named.

There is no Bicep compiler to be had offline, and pycep does not tell a name from a string: so names are found
in the text, outside of comments and strings but inside of ``${…}``.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pycep

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
FILES = sorted(INFRA.rglob("*.bicep"))

_COMMENT = re.compile(r"(?m)^\s*//.*$")
_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'")
_HOLE = re.compile(r"\$\{((?:[^{}']|'[^']*')*)\}")
_DECLARED = re.compile(r"(?m)^(param|var|resource|module|output)\s+(\w+)")
_BOUND = re.compile(r"\[for\s+(?:\((\w+),\s*(\w+)\)|(\w+))\s+in\b|(\w+)\s*=>")
_KEY = re.compile(r"(?m)^\s*\w+\s*:")
_NAME = re.compile(r"(?<![\w.@])([A-Za-z_]\w*)\b(?!\s*\()")
_WORDS = {
    "param", "var", "resource", "module", "output", "targetScope", "existing", "for", "in", "if", "true", "false", "null",
}


def parsed(path: Path) -> dict[str, Any]:
    """The syntax tree: ``parameters``, ``variables``, ``resources``, ``modules``, ``outputs``. Raises on bad syntax."""
    tree: dict[str, Any] = pycep.BicepParser().parse(text=path.read_text())
    return tree


def declared(path: Path, kind: str) -> list[str]:
    return [name for what, name in _DECLARED.findall(_without_comments(path)) if what == kind]


def undefined(path: Path) -> set[str]:
    """Names that are used and defined nowhere in the file."""
    text = _without_comments(path)
    bound = {name for match in _BOUND.findall(text) for name in match if name}
    defined = {name for _, name in _DECLARED.findall(text)} | bound
    return used_names(path) - defined


def unused(path: Path) -> set[str]:
    """Parameters and variables that nothing names."""
    used = used_names(path)
    return {name for kind in ("param", "var") for name in declared(path, kind) if name not in used}


def used_names(path: Path) -> set[str]:
    text = _without_strings(_without_comments(path))
    text = re.sub(r"(?m)^(?:param|output)\s+\w+\s+\w+|^(?:var|resource|module)\s+\w+", "", _KEY.sub("", text))
    return set(_NAME.findall(text)) - _WORDS


def strings(path: Path) -> list[str]:
    return _STRING.findall(_without_comments(path))


def module_calls(path: Path) -> Iterator[tuple[Path, set[str]]]:
    """Each module's file, with the names of the parameters it is given."""
    for module in parsed(path).get("modules", {}).values():
        config = module["config"]
        if "params" not in config:  # a loop or a condition stands around it
            config = config["config"]
        yield (path.parent / module["detail"]["path"]).resolve(), set(config["params"])


def _without_comments(path: Path) -> str:
    return _COMMENT.sub("", path.read_text())


def _without_strings(text: str) -> str:
    return _STRING.sub(lambda match: " ".join(f" [{hole}] " for hole in _HOLE.findall(match[1])), text)
