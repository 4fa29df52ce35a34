"""What a receiver's answer means: by status and by body, since chats answer 200 and say no in the text.

Sources: "Create Incoming Webhooks" (Teams), Slack's "Sending messages using incoming webhooks" and "Rate limits",
Standard Webhooks 1.0. Where the sources are silent, what a retry cannot change is permanent.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Literal

from shared.errors import Permanent, Throttled, Transient
from shared.notify.http import Response
from shared.report.literal import one_line

type Kind = Literal["teams", "slack", "webhook"]

DEFAULT_RETRY_AFTER_SECONDS = 30.0
LONGEST_RETRY_AFTER_SECONDS = 24 * 3600.0
SHOWN_CHARACTERS = 200

SLACK_DEGRADABLE = frozenset({"invalid_blocks", "invalid_attachments", "too_many_attachments", "invalid_payload", "msg_blocks_too_long"})
SLACK_PASSING = frozenset({"rollup_error", "internal_error", "fatal_error", "service_unavailable", "request_timeout"})
SLACK_THROTTLED = frozenset({"rate_limited", "ratelimited"})
_TEAMS_INNER_STATUS = re.compile(r"HTTP error (\d{3})")
"""``Microsoft Teams endpoint returned HTTP error 429``, in the body of a 200."""


class Outcome(StrEnum):
    DELIVERED = "delivered"
    DEGRADE = "degrade"
    """Refused for its form: send the plain form once."""


def classify(kind: Kind, response: Response, now: datetime) -> Outcome:
    """What came of a post. Raises ``Throttled``, ``Transient`` or ``Permanent`` where it did not arrive."""
    outcome = _READERS[kind](response, now)
    if outcome is None:
        _raise_for(response.status, response, now)
    return outcome or Outcome.DELIVERED


def _teams(response: Response, now: datetime) -> Outcome | None:
    """A flow answers 202 and nothing; a retired connector answered 200 and ``1``, or 200 and the error."""
    if not _is_success(response.status):
        return None
    if inner := _TEAMS_INNER_STATUS.search(response.body):
        _raise_for(int(inner[1]), response, now)
    if response.body.lstrip()[:1] == "<" or '"error"' in response.body:
        raise Permanent(f"The answer is not that of a Teams workflow: {_shown(response)}")
    return Outcome.DELIVERED


def _slack(response: Response, now: datetime) -> Outcome | None:
    """Slack says what is wrong in the body; the status that goes with it varies."""
    said = _slack_said(response.body)
    if _is_success(response.status) and said == "ok":
        return Outcome.DELIVERED
    if said in SLACK_DEGRADABLE:
        return Outcome.DEGRADE
    if said in SLACK_THROTTLED:
        raise Throttled("Slack throttles this webhook.", _retry_after(response, now))
    if said in SLACK_PASSING:
        raise Transient(f"Slack answered {said}.")
    if _is_success(response.status):
        raise Permanent(f"The answer is not that of a Slack webhook: {_shown(response)}")
    return None


def _slack_said(body: str) -> str:
    """``invalid_blocks`` of that text, or of ``{"ok":false,"error":"invalid_blocks"}``."""
    named = re.search(r'"error"\s*:\s*"(\w+)"', body)
    if named:
        return named[1]
    if re.match(r'\s*\{\s*"ok"\s*:\s*true\b', body):
        return "ok"
    word = re.match(r"\s*(\w+)", body)
    return word[1] if word else ""


def _webhook(response: Response, _: datetime) -> Outcome | None:
    return Outcome.DELIVERED if _is_success(response.status) else None


_READERS: dict[Kind, Callable[[Response, datetime], Outcome | None]] = {"teams": _teams, "slack": _slack, "webhook": _webhook}


def _is_success(status: int) -> bool:
    return 200 <= status < 300


def _raise_for(status: int, response: Response, now: datetime) -> None:
    """The error that an HTTP status stands for, to every receiver alike."""
    text = f"The receiver answered {status}: {_shown(response)}"
    if status == 429:
        raise Throttled(text, _retry_after(response, now))
    if status >= 500 and "retry-after" in response.headers:
        raise Throttled(text, _retry_after(response, now))
    if status >= 500 or status in (408, 425):
        raise Transient(text)
    if 300 <= status < 400:
        raise Permanent(f"The receiver answered {status}, a redirect, which is not followed: set the final URL.")
    raise Permanent(text)


def _retry_after(response: Response, now: datetime) -> float:
    return retry_after_seconds(response.headers.get("retry-after", ""), now)


def retry_after_seconds(value: str, now: datetime) -> float:
    """Seconds to wait, from ``Retry-After`` as seconds or as an HTTP date: 0 to 24 h, half a minute where it says neither."""
    if re.fullmatch(r"\d+(\.\d+)?", value.strip(), re.ASCII):
        seconds = float(value)
    else:
        try:
            at = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return DEFAULT_RETRY_AFTER_SECONDS
        seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


def _shown(response: Response) -> str:
    """The answer's text in an error: one line, bounded, nothing invisible."""
    return repr(one_line(response.body, SHOWN_CHARACTERS)) if response.body.strip() else "no text"
