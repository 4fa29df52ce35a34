"""The report from the terminal: on standard output, from a Case as it was saved or as it was downloaded."""

import gzip
import webbrowser
from pathlib import Path

import pytest

import pullwatch
from shared.model import encode
from tests.diagnose.cases import STORM, case

SAVED = encode(case(storm=STORM))


@pytest.fixture(params=["json", "json.gz"])
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / f"case.{request.param}"
    file.write_bytes(gzip.compress(SAVED) if file.suffix == ".gz" else SAVED)
    return file


def test_the_page_and_nothing_else_goes_to_standard_output(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pullwatch.main(["diagnose", "--case", str(saved), "--format", "html"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("<!doctype html>")
    assert out.rstrip().endswith("</html>")
    assert err == ""


def test_piped_text_is_plain(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pullwatch.main(["diagnose", "--case", str(saved)]) == 0
    out = capsys.readouterr().out
    assert "The OS disk is the bottleneck" in out
    assert "\x1b" not in out


def test_open_shows_the_page_in_the_browser(saved: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(webbrowser, "open", shown.append)
    assert pullwatch.main(["diagnose", "--case", str(saved), "--open"]) == 0
    assert capsys.readouterr().out == ""
    assert Path(shown[0].removeprefix("file://")).read_text().startswith("<!doctype html>")


def test_a_damaged_download_is_told_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "case.json.gz"
    file.write_bytes(gzip.compress(SAVED)[:200])
    assert pullwatch.main(["diagnose", "--case", str(file)]) == 2
    assert "damaged" in capsys.readouterr().err


def test_a_link_is_printed_only_when_it_can_be_signed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert pullwatch.main(["link"]) == 2
    monkeypatch.setenv("PULLWATCH_PUBLIC_URL", "https://app.example")
    monkeypatch.setenv("PULLWATCH_LINK_SECRET", "sixteen characters and more")
    assert pullwatch.main(["link", "--report", "abc"]) == 0
    assert capsys.readouterr().out.startswith("https://app.example/api/reports/abc?token=")
