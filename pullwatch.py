#!/usr/bin/env python3
"""The terminal door: ``python pullwatch.py diagnose --cluster NAME --pool NAME``.

Standard output carries only the answer; progress and errors go to standard error. Exit codes: 0 done,
1 the answer is bad news (``--fail-on``), 2 wrong usage or settings, 3 Azure could not be read.
"""

import argparse
import json
import logging
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from shared.errors import Misconfigured, Permanent, PullwatchError
from shared.model import Case, Diagnosis, Notice, Severity, Window, decode, encode
from shared.report.message import Message, build_message
from shared.services import Services, links, services
from shared.settings import load

DONE, BAD_NEWS, WRONG_USAGE, AZURE_UNREADABLE = 0, 1, 2, 3
_SPAN = re.compile(r"(\d+)(m|h)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    try:
        code: int = options.run(options)
    except (Misconfigured, UsageError) as error:
        return _say(error, WRONG_USAGE)
    except PullwatchError as error:
        return _say(error, AZURE_UNREADABLE)
    return code


class UsageError(PullwatchError):
    """The command line cannot be meant so."""


def _say(error: Exception, code: int) -> int:
    print(f"pullwatch: {error}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pullwatch", description="Why are image pulls on AKS slow?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_diagnose(commands.add_parser("diagnose", help="say which layer holds up the image pulls of a node pool"))
    sweep = commands.add_parser("sweep", help="list the pools with a node at one of its limits right now")
    sweep.set_defaults(run=_sweep)
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
    parser.add_argument("--format", choices=sorted(_FORMATS), default="text")
    parser.add_argument("--fail-on", choices=[s.value for s in Severity if s is not Severity.OK],
                        help="exit with 1 if it is this bad or worse")
    parser.set_defaults(run=_diagnose)


# --- diagnose ---


def _diagnose(options: argparse.Namespace) -> int:
    from shared.diagnose import diagnose

    case = _read_case(options.case) if options.case else _ask_azure(options)
    if options.save_case:
        options.save_case.write_bytes(encode(case))
    diagnosis = diagnose(case, load().thresholds)
    print(_FORMATS[options.format](diagnosis))
    bad = options.fail_on and diagnosis.severity.rank >= Severity(options.fail_on).rank
    return BAD_NEWS if bad else DONE


def _read_case(path: Path) -> Case:
    try:
        return decode(path.read_bytes(), Case)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is no saved Case: {error}.") from error


def _ask_azure(options: argparse.Namespace) -> Case:
    from shared.flow.assess import collect

    if not (options.cluster and options.pool):
        raise UsageError("Give --cluster and --pool, or --case FILE.")
    app = services()
    window = _window(options, app.clock())
    print(f"Reading Azure about {options.cluster} / {options.pool} …", file=sys.stderr)
    return collect(app, _cluster_id(app, options.cluster), options.pool, window=window)


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
    if options.start:
        window = Window(_time("--from", options.start), _time("--to", options.end) if options.end else now)
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
    fleet = app.fleet()
    screened = screen(app.azure, fleet.pools, app.settings, app.clock())
    for pool in fleet.pools:
        if pool.vmss_id in screened.suspects:
            print(f"{fleet.cluster(pool.cluster_id).name} / {pool.name}")
    print(f"{len(fleet.pools)} pools, {len(screened.suspects)} at a limit, {len(screened.not_seen)} not seen.", file=sys.stderr)
    return DONE


def _demo(options: argparse.Namespace) -> int:
    try:
        from local import demo
    except ImportError:
        raise UsageError("The demo is part of a development checkout: run `make demo` there.") from None
    return demo.run(options.scenario)


if __name__ == "__main__":
    sys.exit(main())
