#!/usr/bin/env python3
"""The terminal door: ``python pullwatch.py diagnose --cluster NAME --pool NAME``.

Standard output carries only the answer; progress and errors go to standard error. Exit codes: 0 done,
1 the answer is bad news (``--fail-on``), 2 wrong usage or settings, 3 Azure could not be read.
"""

import argparse
import gzip
import json
import logging
import os
import re
import sys
import tempfile
import webbrowser
import zlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from shared.errors import Misconfigured, Permanent, PullwatchError
from shared.model import CASE_VERSION, Case, Diagnosis, Notice, Severity, Window, decode, encode
from shared.report.message import Message, build_message
from shared.services import Services, links, services, signed_page
from shared.settings import load
from shared.units import counted

DONE, BAD_NEWS, WRONG_USAGE, AZURE_UNREADABLE, INTERRUPTED = 0, 1, 2, 3, 130
GZIP = b"\x1f\x8b"
_SPAN = re.compile(r"(\d+)(m|h)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read, as `| head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return INTERRUPTED
    except (Misconfigured, UsageError) as error:
        return _say(error, WRONG_USAGE)
    except PullwatchError as error:
        return _say(error, AZURE_UNREADABLE)
    except _storage_error() as error:
        return _say(f"The storage that AzureWebJobsStorage names does not answer as it should ({type(error).__name__}): "
                    "check the setting, its network rules, and the role of whoever is signed in.", AZURE_UNREADABLE)
    return code


def _storage_error() -> type[Exception]:
    """What the storage's clients raise; all other reading of Azure raises our own errors."""
    from azure.core.exceptions import AzureError

    found: type[Exception] = AzureError
    return found


class UsageError(PullwatchError):
    """The command line cannot be meant so."""


def _say(error: Exception | str, code: int) -> int:
    print(f"pullwatch: {error}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pullwatch", description="Why are image pulls on AKS slow?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_diagnose(commands.add_parser("diagnose", help="say which layer holds up the image pulls of a node pool"))
    sweep = commands.add_parser("sweep", help="list the pools with a node at one of its limits right now")
    sweep.set_defaults(run=_sweep)
    doctor = commands.add_parser("doctor", help="check settings, identity, roles, data sources and receivers, and say what to mend")
    doctor.add_argument("--format", choices=("text", "json"), default="text")
    doctor.set_defaults(run=_doctor)
    link = commands.add_parser("link", help="print a signed link to the fleet page, or to a report")
    link.add_argument("--report", default="", metavar="ID", help="the id of a diagnosis that was told")
    link.set_defaults(run=_link)
    _add_ledger(commands)
    demo = commands.add_parser("demo", help="play a slow upgrade on the built-in local Azure (a development checkout)")
    demo.add_argument("scenario", nargs="?", default="disk-iops")
    demo.set_defaults(run=_demo)
    return parser


def _add_diagnose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cluster", help="AKS cluster, by name or resource id")
    parser.add_argument("--pool", help="node pool")
    parser.add_argument("--last", default=None, metavar="30m", help="the last minutes or hours (default: PULLWATCH_WINDOW_MINUTES)")
    parser.add_argument("--from", dest="start", metavar="TIME", help="start, ISO 8601; UTC unless it says otherwise")
    parser.add_argument("--to", dest="end", metavar="TIME", help="end, ISO 8601")
    parser.add_argument("--case", type=Path, metavar="FILE", help="replay a saved Case; asks Azure nothing")
    parser.add_argument("--save-case", type=Path, metavar="FILE", help="keep the evidence for a replay")
    parser.add_argument("--format", choices=[*sorted(_FORMATS), "html"], default="text")
    parser.add_argument("--open", action="store_true", help="show the report page in the browser instead of printing anything")
    parser.add_argument("--fail-on", choices=[s.value for s in Severity if s is not Severity.OK],
                        help="exit with 1 if it is this bad or worse")
    parser.set_defaults(run=_diagnose)


# --- diagnose ---


def _diagnose(options: argparse.Namespace) -> int:
    from shared.diagnose import diagnose

    case = _read_case(options.case) if options.case else _ask_azure(options)
    if options.save_case:
        _save_case(options.save_case, case)
    diagnosis = diagnose(case, load().thresholds)
    _answer(options, case, diagnosis)
    bad = options.fail_on and diagnosis.severity.rank >= Severity(options.fail_on).rank
    return BAD_NEWS if bad else DONE


def _save_case(path: Path, case: Case) -> None:
    try:
        path.write_bytes(encode(case))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error


def _answer(options: argparse.Namespace, case: Case, diagnosis: Diagnosis) -> None:
    if options.open:
        _open_in_browser(_html(case, diagnosis), diagnosis.id)
    elif options.format == "html":
        print(_html(case, diagnosis))
    elif options.format == "text" and sys.stdout.isatty() and (terminal := _terminal()):
        terminal.print_rich(terminal.render_rich(diagnosis, links(load())))
    else:
        print(_FORMATS[options.format](diagnosis))


def _terminal() -> ModuleType | None:
    """Colours and bars; None where rich is not installed."""
    try:
        from shared.report import terminal
    except ModuleNotFoundError:
        return None
    return terminal


def _html(case: Case, diagnosis: Diagnosis) -> str:
    from shared.report.page import render_report

    settings = load()
    return render_report(case, diagnosis, settings.thresholds, links(settings), made_at=datetime.now(UTC))


def _open_in_browser(page: str, name: str) -> None:
    file = Path(tempfile.mkdtemp(prefix="pullwatch-")) / f"{name}.html"
    file.write_text(page, encoding="utf-8")
    print(f"The report is {file}", file=sys.stderr)
    webbrowser.open(file.as_uri())


def _read_case(path: Path) -> Case:
    try:
        data = path.read_bytes()
        case = decode(gzip.decompress(data) if data.startswith(GZIP) else data, Case)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UsageError(f"{path} is a damaged gzip file: download it again.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is no saved Case: {error}.") from error
    if case.version > CASE_VERSION:
        raise UsageError(f"{path} is a Case of version {case.version}; this pullwatch knows {CASE_VERSION}: update it.")
    return case


def _ask_azure(options: argparse.Namespace) -> Case:
    from shared.flow.assess import collect

    if not (options.cluster and options.pool):
        raise UsageError("Give --cluster and --pool, or --case FILE.")
    app = services()
    window = _window(options, app.clock())
    with _progress(f"Reading Azure about {options.cluster} / {options.pool} …"):
        return collect(app, _cluster_id(app, options.cluster), options.pool, window=window)


def _progress(text: str) -> AbstractContextManager[object]:
    """Says on standard error what takes its time."""
    if sys.stderr.isatty() and (terminal := _terminal()):
        found: AbstractContextManager[object] = terminal.progress(text)
        return found
    print(text, file=sys.stderr)
    return nullcontext()


def _bar(text: str, total: int) -> AbstractContextManager[Callable[[int], object]]:
    """A progress bar on a terminal, nothing elsewhere; gives the function that moves it on."""
    if sys.stderr.isatty() and (terminal := _terminal()):
        found: AbstractContextManager[Callable[[int], object]] = terminal.progress_bar(text, total)
        return found
    return nullcontext(bool)


def _cluster_id(app: Services, wanted: str) -> str:
    """The id of a cluster given by id or by name. Raises ``Permanent`` if no or several have that name."""
    clusters = app.fleet().clusters
    if "/" in wanted:
        return wanted
    ids = [c.id for c in clusters.values() if c.name.lower() == wanted.lower()]
    if len(ids) == 1:
        return ids[0]
    if ids:
        raise Permanent(f"Several clusters are named {wanted}; give the resource id of one: {', '.join(sorted(ids))}.")
    names = ", ".join(sorted(c.name for c in clusters.values())[:20]) or "none"
    raise Permanent(f"No cluster named {wanted} is readable; readable are: {names}.")


def _window(options: argparse.Namespace, now: datetime) -> Window | None:
    """The window asked for; None: as the settings say. Raises ``UsageError``."""
    if options.last and (options.start or options.end):
        raise UsageError("Give --last or --from, not both.")
    if options.start:
        window = Window(_time("--from", options.start), _time("--to", options.end) if options.end else now)
        if window.start >= now:
            raise UsageError("--from lies in the future.")
        if window.seconds < 60:
            raise UsageError("--from must lie at least a minute before --to.")
        return window
    if options.end:
        raise UsageError("--to needs --from.")
    if options.last is None:
        return None
    match = _SPAN.fullmatch(options.last)
    if match is None or not int(match[1]):
        raise UsageError(f"--last {options.last!r} is no span: write 30m or 2h.")
    return Window(now - timedelta(**{{"m": "minutes", "h": "hours"}[match[2]]: int(match[1])}), now)


def _time(option: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no time: write 2026-11-24T10:00Z.") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _json(diagnosis: Diagnosis) -> str:
    return encode(diagnosis).decode()


def _text(diagnosis: Diagnosis) -> str:
    from shared.report.text import render_diagnosis

    return render_diagnosis(diagnosis, links(load())).rstrip()


def _teams(diagnosis: Diagnosis) -> str:
    from shared.notify import teams

    return json.dumps(teams.render(_message(diagnosis), load().teams_card_version), ensure_ascii=False)


def _slack(diagnosis: Diagnosis) -> str:
    from shared.notify import slack

    return json.dumps(slack.render(_message(diagnosis)), ensure_ascii=False)


def _message(diagnosis: Diagnosis) -> Message:
    """The message that would be sent if an incident were opened on this."""
    notice = Notice(id=diagnosis.id, kind="opened", at=diagnosis.window.end, reason="asked_for", diagnosis=diagnosis,
                    operation=diagnosis.operation)
    return build_message(notice, links(load()))


_FORMATS: dict[str, Callable[[Diagnosis], str]] = {"text": _text, "json": _json, "teams": _teams, "slack": _slack}


# --- the others ---


def _sweep(_: argparse.Namespace) -> int:
    from shared.collect.screening import screen

    app = services()
    with _progress("Reading the fleet …"):
        fleet = app.fleet()
    with _bar("Screening", sum(len(pool.resource_ids) for pool in fleet.pools if pool.capacity)) as move_on:
        screened = screen(app.azure, fleet.pools, app.settings, app.clock(), looked_at=move_on)
    suspects = [(fleet.cluster(pool.cluster_id).name, pool.name) for pool in fleet.pools if pool.key in screened.suspects]
    if suspects and sys.stdout.isatty() and (terminal := _terminal()):
        terminal.print_rich([terminal.pools_table((*names, "a node is at one of its limits") for names in suspects)])
    else:
        print("".join(f"{cluster} / {pool}\n" for cluster, pool in suspects), end="")
    print(f"{counted(len(fleet.pools), 'pool')}, {len(screened.suspects)} at a limit, {len(screened.not_seen)} not seen.", file=sys.stderr)
    return DONE


def _link(options: argparse.Namespace) -> int:
    from shared.report.links import FLEET, report_page

    url = signed_page(load(), report_page(options.report) if options.report else FLEET, datetime.now(UTC))
    if not url:
        raise Misconfigured("Set PULLWATCH_PUBLIC_URL to the address of the app and PULLWATCH_LINK_SECRET to its key.")
    print(url)
    return DONE


def _doctor(options: argparse.Namespace) -> int:
    from shared import doctor

    logging.getLogger("azure").setLevel(logging.ERROR)  # the doctor says in a line what the SDKs say in twenty
    checks = []
    for check in doctor.examine():
        checks.append(check)
        if options.format == "text":
            print(doctor.render_text([check]), flush=True)
    if options.format == "json":
        print(doctor.render_json(checks))
    return doctor.exit_code(checks)


def _add_ledger(commands: Any) -> None:
    deliveries = commands.add_parser("deliveries", help="list what was sent, to whom, and what was given up and why")
    deliveries.add_argument("--parked", action="store_true", help="only what was given up")
    deliveries.set_defaults(run=_deliveries)
    redeliver = commands.add_parser("redeliver", help="send what was given up again")
    which = redeliver.add_mutually_exclusive_group(required=True)
    which.add_argument("id", nargs="?", default="", help="one delivery")
    which.add_argument("--parked", action="store_true", help="all of them")
    redeliver.set_defaults(run=_redeliver)
    test = commands.add_parser("send-test", help="send a test message to every receiver, past the ledger")
    test.add_argument("--receiver", default="", help="only to this one: teams, slack, webhook, eventgrid, teams:NAME, …")
    test.set_defaults(run=_send_test)


def _deliveries(options: argparse.Namespace) -> int:
    from shared.flow import ledger

    found = ledger.listed(services(), parked_only=options.parked)
    print("".join(f"{line}\n" for line in ledger.as_lines(found)), end="")
    print(f"{counted(len(found), 'delivery', 'deliveries')}.", file=sys.stderr)
    return DONE


def _redeliver(options: argparse.Namespace) -> int:
    from shared.flow import ledger

    found = list(ledger.redeliver(services(), options.id))
    for delivery in found:
        print(f"{delivery.id} will be sent again")
    if not found:
        print("No delivery is parked.", file=sys.stderr)
    return DONE


def _send_test(options: argparse.Namespace) -> int:
    from shared.flow import ledger

    app = services()
    receivers = [options.receiver] if options.receiver else app.settings.receivers
    if options.receiver not in ("", *app.settings.receivers):
        raise UsageError(f"No receiver {options.receiver!r} is set; set are: {', '.join(app.settings.receivers) or 'none'}.")
    if not receivers:
        raise Misconfigured("No receiver is set: give PULLWATCH_TEAMS_URL, PULLWATCH_SLACK_URL or PULLWATCH_WEBHOOK_URL.")
    outcomes = list(ledger.send_test(app, receivers))
    for receiver, outcome in outcomes:
        print(f"{receiver}: {outcome}")
    return DONE if all(outcome == "delivered" for _, outcome in outcomes) else BAD_NEWS


def _demo(options: argparse.Namespace) -> int:
    try:
        from local import demo
    except ImportError:
        raise UsageError("The demo is part of a development checkout: run `make demo` there.") from None
    return demo.main(["--scenario", options.scenario])


if __name__ == "__main__":
    sys.exit(main())
