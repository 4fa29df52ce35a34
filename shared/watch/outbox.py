"""The ledger of deliveries: what becomes of one after an attempt. Pure; the queue and the rows are elsewhere.

    pending ── taken ──► sending ──► delivered
       ▲                    │
       └──── try again ─────┴──────► parked   (refused for good, or tried for 24 h)
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from shared.errors import Misconfigured, Permanent, PullwatchError, Throttled, Unanswered
from shared.model import Delivery
from shared.watch.routes import is_chat
from shared.watch.state import Turn

KEPT_TRYING = timedelta(hours=24)
FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 3600.0
STUCK_AFTER = timedelta(minutes=5)
"""No sign of life for so long: whoever had it crashed."""
EARLY_ENOUGH = timedelta(milliseconds=50)
"""The clocks of two machines need not agree to the millisecond."""
PACE = timedelta(seconds=1)
"""Between two messages to one receiver: what Slack's "Rate limits" asks for, and Teams' limits allow."""
TURN_KEPT_FOR = timedelta(seconds=30)
"""A turn not used by then is over. Longer than a queue may go unpolled, or late deliveries would queue for ever."""


def why_not_now(delivery: Delivery, now: datetime) -> str:
    """By name, why this delivery is not to be attempted at ``now``; empty if it is."""
    if delivery.status in ("delivered", "parked"):
        return "nothing_to_do"
    if delivery.status == "sending" and now - delivery.updated_at < STUCK_AFTER:
        return "in_other_hands"
    if delivery.due_at is not None and now < delivery.due_at - EARLY_ENOUGH:
        return "not_due"
    return ""


def has_its_turn(delivery: Delivery, now: datetime) -> bool:
    """Whether the receiver has been kept free for this attempt."""
    return delivery.turn_at is not None and now - delivery.turn_at < TURN_KEPT_FOR


def next_turn(turn: Turn, delivery: Delivery, now: datetime) -> tuple[datetime, Turn]:
    """The first moment at which the receiver may be told this, and the row that keeps it free.

    A delivery that has its turn takes it, unless the receiver asked for a pause meanwhile.
    """
    closed_until = turn.closed_until or now
    if has_its_turn(delivery, now) and closed_until <= now:
        return now, turn
    at = max(now, turn.free_at, closed_until)
    return at, replace(turn, free_at=at + PACE)


def closed(turn: Turn, until: datetime) -> Turn:
    """The receiver asked for a pause."""
    return replace(turn, free_at=max(turn.free_at, until), closed_until=max(turn.closed_until or until, until))


def waits_its_turn(delivery: Delivery, turn_at: datetime) -> Delivery:
    return replace(delivery, due_at=turn_at, turn_at=turn_at)


def left_behind(delivery: Delivery, now: datetime) -> bool:
    """Whether nobody is going to attempt it any more: its queue message is lost."""
    return delivery.status in ("pending", "sending") and now - (delivery.due_at or delivery.updated_at) > STUCK_AFTER


def taken(delivery: Delivery, now: datetime) -> Delivery:
    """Written before the attempt. One found in ``sending`` was cut off in the middle: it may have arrived."""
    cut_off = delivery.status == "sending"
    return replace(delivery, status="sending", attempts=delivery.attempts + 1, updated_at=now, turn_at=None,
                   unanswered=delivery.unanswered + cut_off)


def cut_off_too_often(delivery: Delivery, now: datetime) -> str:
    """Why one that was cut off in the middle again is not tried once more; empty if it is.

    Something in it stops the app, or the app is stopped all the time: that is no reason to fill a chat, or to go on for ever.
    """
    if delivery.status != "sending":
        return ""
    if delivery.unanswered and is_chat(delivery.receiver):
        return "it may have arrived twice already: the app stopped while sending it; its log says why"
    if now - delivery.created_at > KEPT_TRYING:
        return f"given up after {delivery.attempts} attempts: the app stopped while sending it; its log says why"
    return ""


def delivered(delivery: Delivery, now: datetime) -> Delivery:
    return replace(delivery, status="delivered", updated_at=now, due_at=None, reason="")


def failed(delivery: Delivery, error: PullwatchError, now: datetime, jitter: float) -> Delivery:
    """After a failed attempt: to be tried again at ``due_at``, or parked with its reason. ``jitter``: 0..1.

    A chat cannot tell a repeated message from a new one: it gets one that may have arrived once more, and no third time.
    """
    if isinstance(error, Permanent | Misconfigured):
        return parked(delivery, str(error), now)
    unanswered = delivery.unanswered + isinstance(error, Unanswered)
    if unanswered > 1 and is_chat(delivery.receiver):
        return parked(delivery, f"it may have arrived twice already: {error}", now)
    delay = retry_delay_seconds(delivery.attempts, delivery.created_at, now, jitter)
    if delay is None:
        return parked(delivery, f"given up after {delivery.attempts} attempts: {error}", now)
    if isinstance(error, Throttled):
        delay = max(delay, error.retry_after_seconds)
    return replace(delivery, status="pending", updated_at=now, due_at=now + timedelta(seconds=delay), reason=str(error),
                   unanswered=unanswered)


def retry_delay_seconds(attempt: int, created_at: datetime, now: datetime, jitter: float) -> float | None:
    """Seconds until the next try after ``attempt`` tries (from 1 on); None once 24 h have passed.

    Doubles from half a second to 1 h. ``jitter`` (0..1, a random number) spreads it over the upper half of that, so that
    many deliveries do not come back together. The last try falls on the 24 h themselves.
    """
    left = (KEPT_TRYING - (now - created_at)).total_seconds()
    if left <= 0:
        return None
    delay = min(FIRST_DELAY_SECONDS * 2.0 ** min(attempt - 1, 30), LONGEST_DELAY_SECONDS)
    return min(delay * (0.5 + jitter / 2), left)


def revived(delivery: Delivery, now: datetime) -> Delivery:
    """A parked one that a person wants sent again: as if it were new."""
    return replace(delivery, status="pending", created_at=now, updated_at=now, due_at=None, turn_at=None, attempts=0, unanswered=0, reason="")


def parked(delivery: Delivery, reason: str, now: datetime) -> Delivery:
    return replace(delivery, status="parked", updated_at=now, due_at=None, reason=reason)
