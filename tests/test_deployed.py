"""The function app as Azure gets it: only what ``.funcignore`` leaves, only what ``requirements.txt`` names."""

import fnmatch
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WORKER = ("azure-functions-runtime", "protobuf")
"""What the platform brings: the library behind its Python worker, and what that is spoken to in."""
INDEX = """
import json, sys
from pathlib import Path
sys.path[:0] = [sys.argv[2]]
from local.host.worker import Worker
worker = Worker(Path(sys.argv[1]))
names = sorted(function.name for function in worker.start())
import function_app, shared.flow.wake, shared.flow.assess, shared.flow.outgoing, shared.services
assert Path(shared.services.__file__).is_relative_to(sys.argv[1]), shared.services.__file__
worker.stop()
print(json.dumps(names))
"""


def ignored(path: Path) -> bool:
    patterns = [line.strip() for line in (ROOT / ".funcignore").read_text().splitlines() if line.strip() and not line.startswith("#")]
    return any(fnmatch.fnmatch(part, pattern) for part in path.parts for pattern in patterns)


def deployed_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607  # a fixed command
    if listed.returncode:
        pytest.skip("no git checkout")
    return [Path(name) for name in listed.stdout.splitlines() if not ignored(Path(name)) and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    for name in deployed_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def names_in_checkout() -> list[str]:
    program = "import json, function_app\nprint(json.dumps(sorted(f.get_function_name() for f in function_app.app.get_functions())))"
    return list(json.loads(_run(sys.executable, "-c", program, folder=ROOT)))


def test_what_is_deployed_is_the_app_and_nothing_else(package: Path) -> None:
    assert {path.name for path in package.iterdir()} == {"function_app.py", "functions", "shared", "host.json", "requirements.txt"}
    assert {path.suffix for path in package.rglob("*") if path.is_file()} <= {".py", ".json", ".kql", ".txt", ".html", ".css", ".js", ".j2", ".svg"}


@pytest.mark.slow
def test_the_deployed_app_indexes_with_its_requirements_alone(package: Path, names_in_checkout: list[str], tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    _run(sys.executable, "-m", "venv", str(tmp_path / "venv"), folder=tmp_path)
    pins = [line.split("#")[0].strip() for line in (ROOT / "requirements-dev.txt").read_text().splitlines() if line.startswith(WORKER)]
    _run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(package / "requirements.txt"), *pins, folder=package)
    host = tmp_path / "host"
    shutil.copytree(ROOT / "local" / "host", host / "local" / "host")
    (host / "local" / "__init__.py").touch()
    told = _run(str(python), "-c", INDEX, str(package), str(host), folder=tmp_path)
    assert json.loads(told.splitlines()[-1]) == names_in_checkout


def _run(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  # our own commands
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
