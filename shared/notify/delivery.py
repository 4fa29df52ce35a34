"""One notice to one receiver: rendered, posted, judged."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from shared.errors import Misconfigured, Permanent
from shared.model import Notice
from shared.notify import http, slack, teams, webhook
from shared.notify.answers import Kind, Outcome, classify
from shared.notify.http import Post
from shared.report.message import Links, build_message
from shared.settings import Secret, Settings, env_name

JSON = {"Content-Type": "application/json; charset=utf-8"}


def send(
    kind: str, notice: Notice, settings: Settings, links: Links, now: datetime, *, post: Post = http.post, credential: Any = None,
) -> None:
    """Sends ``notice`` to the receiver of ``kind``; returns once it is accepted.

    Raises ``Throttled``, ``Transient`` (``Unanswered``: it may have arrived), ``Permanent`` or
    ``Misconfigured``. ``credential``: an azure-identity credential, needed by ``eventgrid`` only.
    """
    match kind:
        case "teams":
            body = _json(teams.render(build_message(notice, links), settings.teams_card_version))
            _deliver(kind, body, JSON, settings, now, post)
        case "slack":
            _send_slack(notice, settings, links, now, post)
        case "webhook":
            body = webhook.render(notice)
            _deliver(kind, body, webhook.headers(notice.id, body, settings.webhook_secret, now), settings, now, post)
        case "eventgrid":
            from shared.notify import eventgrid

            eventgrid.publish(settings.eventgrid_endpoint, credential, notice)
        case _:
            raise Misconfigured(f"There is no receiver of kind {kind!r}: use teams, slack, webhook or eventgrid.")


def _send_slack(notice: Notice, settings: Settings, links: Links, now: datetime, post: Post) -> None:
    """With blocks; if Slack refuses their form, once more as plain text."""
    message = build_message(notice, links)
    for form in (slack.render, slack.plain):
        if _deliver("slack", _json(form(message)), JSON, settings, now, post) is Outcome.DELIVERED:
            return
    raise Permanent("Slack refused the message with blocks and as plain text.")


def _deliver(kind: Kind, body: bytes, headers: Mapping[str, str], settings: Settings, now: datetime, post: Post) -> Outcome:
    url: Secret = getattr(settings, f"{kind}_url")
    if not url:
        raise Misconfigured(f"{env_name(f'{kind}_url')} is not set.")
    return classify(kind, post(url, body, headers, allow_private=settings.allow_private_receivers), now)


def _json(payload: dict[str, Any]) -> bytes:
    return msgspec.json.encode(payload)
