"""Apps that start, and apps that do not: the host says why and leaves the process as it was."""

import logging
import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.host import Host, HostError

HOST_JSON = '{"version": "2.0"}'
HEADER = "import azure.functions as func\napp = func.FunctionApp()\n"
TIMER = HEADER + """
@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%")
def tick(timer: func.TimerRequest) -> None:
    pass
"""


def make_app(folder: Path, code: str, host_json: str = HOST_JSON) -> Path:
    (folder / "function_app.py").write_text(code)
    (folder / "host.json").write_text(host_json)
    return folder


def refusal(app: Path, settings: dict[str, str] | None = None) -> str:
    with pytest.raises(HostError) as refused, Host(app, settings or {}):
        pass
    return str(refused.value)


def test_an_app_with_a_fault_is_refused_with_the_fault(tmp_path: Path) -> None:
    assert "No module named 'nowhere'" in refusal(make_app(tmp_path, "import nowhere"))


def test_an_app_whose_binding_cannot_be_indexed_is_refused(tmp_path: Path) -> None:
    code = HEADER + '@app.event_grid_trigger(arg_name="event")\ndef on_event(event: list[str]) -> None: ...\n'
    assert "cannot be indexed" in refusal(make_app(tmp_path, code))


def test_an_app_without_functions_is_refused(tmp_path: Path) -> None:
    assert "has no functions" in refusal(make_app(tmp_path, HEADER))


def test_an_app_whose_binding_needs_a_missing_setting_is_refused_with_its_name(tmp_path: Path) -> None:
    assert "the setting SCHEDULE" in refusal(make_app(tmp_path, TIMER))


def test_a_schedule_of_five_fields_is_refused(tmp_path: Path) -> None:
    assert "has 5 fields" in refusal(make_app(tmp_path, TIMER), {"SCHEDULE": "*/5 * * * *"})


def test_a_trigger_that_the_local_host_does_not_play_is_refused(tmp_path: Path) -> None:
    code = HEADER + '@app.blob_trigger(arg_name="blob", path="a/b", connection="X")\ndef on_blob(blob: func.InputStream) -> None: ...\n'
    assert "on_blob has the bindings blobTrigger" in refusal(make_app(tmp_path, code))


@pytest.mark.parametrize("host_json", ["{", '{"version": "1.0"}', '{"version": "2.0", "functionTimeout": "soon"}'])
def test_a_faulty_host_json_is_refused_with_its_path(tmp_path: Path, host_json: str) -> None:
    assert "host.json" in refusal(make_app(tmp_path, TIMER, host_json), {"SCHEDULE": "0 0 0 1 1 *"})


def test_a_stopped_host_leaves_no_trace_in_the_process(tmp_path: Path) -> None:
    def state() -> tuple[object, ...]:
        root = logging.getLogger()
        return dict(os.environ), list(sys.path), list(root.handlers), root.level, "function_app" in sys.modules, threading.active_count()

    before = state()
    with Host(make_app(tmp_path, TIMER), {"SCHEDULE": "0 0 0 1 1 *"}):
        assert os.environ["SCHEDULE"] == "0 0 0 1 1 *"
    assert state() == before


def test_a_timer_keeps_its_schedule_by_the_clock_it_is_given(tmp_path: Path) -> None:
    start = datetime(2026, 11, 23, 11, 59, tzinfo=UTC)
    began = time.monotonic()

    def hundredfold() -> datetime:
        return start + timedelta(seconds=100 * (time.monotonic() - began))

    with Host(make_app(tmp_path, TIMER), {"SCHEDULE": "0 0 12 * * *"}, clock=hundredfold) as host:
        deadline = time.monotonic() + 10
        while not host.invocations and time.monotonic() < deadline:
            time.sleep(0.02)
        assert [run.function for run in host.invocations] == ["tick"]
        assert hundredfold() >= start + timedelta(minutes=1)


def test_timers_stay_still_when_told_to(tmp_path: Path) -> None:
    with Host(make_app(tmp_path, TIMER), {"SCHEDULE": "* * * * * *"}, timers=False) as host:
        time.sleep(1.3)
        assert not host.invocations
        assert host.run_timer("tick").succeeded


def test_a_function_that_outlasts_the_function_timeout_has_failed(tmp_path: Path) -> None:
    code = HEADER + '@app.event_grid_trigger(arg_name="event")\ndef slow(event: str) -> None:\n    import time\n    time.sleep(1.2)\n'
    with Host(make_app(tmp_path, code, '{"version": "2.0", "functionTimeout": "00:00:01"}'), {}) as host:
        assert host.invoke("slow", "{}").error == "Timeout value of 1 s exceeded by function slow."
