"""The KQL files, and values bound to them by ``let``: text is never pasted into a query."""

from functools import cache
from importlib.resources import files


@cache
def _text(name: str) -> str:
    return files("shared.collect").joinpath("queries", f"{name}.kql").read_text("utf-8")


def query(name: str, **values: str) -> str:
    """The query in ``queries/NAME.kql`` with each value bound as a string."""
    return "".join(f"let {key} = {_literal(value)};\n" for key, value in values.items()) + _text(name)


def _literal(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
