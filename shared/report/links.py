"""Links that open one page for a while: signed with a key, dated, good for nothing else.

The token is a date and a signature over the page's name; it holds no secret and opens no other page.
"""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

if TYPE_CHECKING:
    from itsdangerous import TimestampSigner

FLEET = "fleet"
SALT = "pullwatch page"
MOST_TOKEN_CHARACTERS = 200
CLOCK_SKEW = timedelta(minutes=5)
"""A terminal that signs a link may be this much ahead of the app that checks it."""

type Answer = Literal["valid", "expired", "refused"]


def report_page(report_id: str) -> str:
    """The page's name, as it is signed and as its path ends."""
    return f"reports/{report_id}"


def signed_url(base_url: str, key: str, page: str, now: datetime) -> str:
    """``https://app/api/reports/ID?token=…``."""
    return f"{base_url.rstrip('/')}/api/{quote(page)}?token={sign(key, page, now)}"


def sign(key: str, page: str, now: datetime) -> str:
    """The token for one page, dated ``now``."""
    return _signer(key, now).sign(page).decode()[len(page) + 1:]


def check(key: str, page: str, token: str, now: datetime, lifetime: timedelta) -> Answer:
    """Whether a token opens a page now. One from the future does not."""
    from itsdangerous import BadSignature, SignatureExpired

    if not token or len(token) > MOST_TOKEN_CHARACTERS:
        return "refused"
    try:
        _signer(key, now + CLOCK_SKEW).unsign(f"{page}.{token}", max_age=int((lifetime + CLOCK_SKEW).total_seconds()))
    except SignatureExpired:
        return "expired"
    except BadSignature:
        return "refused"
    return "valid"


def _signer(key: str, now: datetime) -> "TimestampSigner":
    import hashlib

    from itsdangerous import TimestampSigner

    class Dated(TimestampSigner):
        """With the caller's clock."""

        def get_timestamp(self) -> int:
            return int(now.timestamp())

        def timestamp_to_datetime(self, ts: int) -> datetime:
            return datetime.fromtimestamp(ts, UTC)

    return Dated(key, salt=SALT, key_derivation="hmac", digest_method=hashlib.sha256)
