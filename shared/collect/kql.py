"""The KQL files, and values bound to them by ``let``: text is never pasted into a query."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files


@cache
def _text(name: str) -> str:
    return files("shared.collect").joinpath("queries", f"{name}.kql").read_text("utf-8")


def query(name: str, **values: str | Sequence[str]) -> str:
    """The query in ``queries/NAME.kql`` with each value bound as a string, or as an array of strings."""
    return "".join(f"let {key} = {_literal(value)};\n" for key, value in values.items()) + _text(name)


def _literal(value: str | Sequence[str]) -> str:
    if not isinstance(value, str):
        return f"dynamic([{', '.join(map(_literal, value))}])"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
