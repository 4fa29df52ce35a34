"""One line of the doctor: what was looked at, what was found, and what to do."""

from collections.abc import Callable, Iterable
from typing import Literal

from shared.errors import Permanent, PullwatchError
from shared.model import Value, encode

type Status = Literal["ok", "skipped", "warning", "failed", "unreadable"]

DONE, SOMETHING_TO_MEND, WRONG_SETTINGS, AZURE_UNREADABLE = 0, 1, 2, 3
_MARKS = {"ok": "ok  ", "skipped": "-   ", "warning": "warn", "failed": "FAIL", "unreadable": "????"}


class Check(Value, frozen=True):
    """``warning``: Pullwatch works, and sees less. ``failed``: something does not work. ``unreadable``: it could not be asked."""

    name: str
    """``receiver teams``, ``kube events``: closed and stable, for programs."""
    subject: str
    """The cluster, registry or account; empty for Pullwatch itself."""
    status: Status
    found: str
    do: str = ""
    """One sentence or one command; several lines only for a ConfigMap."""


class Report(Value, frozen=True):
    """``--format json``."""

    exit_code: int
    checks: tuple[Check, ...]


def asked(name: str, subject: str, question: Callable[[], Check], remedy: str = "") -> Check:
    """The check that ``question`` makes; where Azure gives no answer, what that means.

    ``remedy``: what to do when Azure refuses.
    """
    try:
        return question()
    except Permanent as refusal:
        return Check(name, subject, "failed", str(refusal), remedy)
    except PullwatchError as error:
        return Check(name, subject, "unreadable", str(error), "Run the doctor again.")


def give(role: str, scope: str, client_id: str) -> str:
    """The command that assigns a role. ``scope``: a resource id; ``client_id``: of the managed identity, empty: who is signed in."""
    who = client_id or '"$(az ad signed-in-user show --query id --output tsv)"'
    return f'az role assignment create --role "{role}" --assignee {who} --scope {scope}'


def exit_code(checks: Iterable[Check]) -> int:
    """0 all well, 1 something to mend, 2 a setting is wrong, 3 Azure could not be read."""
    seen = {(check.name, check.status) for check in checks}
    statuses = {status for _, status in seen}
    if ("settings", "failed") in seen:
        return WRONG_SETTINGS
    if ("identity", "failed") in seen or "unreadable" in statuses:
        return AZURE_UNREADABLE
    return SOMETHING_TO_MEND if statuses & {"failed", "warning"} else DONE


def render_text(checks: Iterable[Check]) -> str:
    return "\n".join(map(_line, checks))


def _line(check: Check) -> str:
    about = f"{check.name} · {check.subject}" if check.subject else check.name
    do = check.do.replace("\n", "\n        ")
    return f"{_MARKS[check.status]}  {about}: {check.found}" + (f"\n      → {do}" if do else "")


def render_json(checks: Iterable[Check]) -> str:
    listed = tuple(checks)
    return encode(Report(exit_code(listed), listed)).decode()
