"""One content to one receiver: rendered, posted, judged."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from shared.errors import Permanent
from shared.model import Bulletin, Content, Group, Notice
from shared.notify import common_alert, http, slack, teams, webhook
from shared.notify.answers import Kind, Outcome, classify
from shared.notify.http import Post
from shared.report.message import Links, Message, build_message, told_late
from shared.settings import Receiver, Settings

JSON = {"Content-Type": "application/json; charset=utf-8"}


def send(
    name: str, content: Content, settings: Settings, links: Links, now: datetime, *, post: Post = http.post, credential: Any = None,
) -> None:
    """Sends ``content`` to the receiver called ``name``; returns once it is accepted.

    Raises ``Throttled``, ``Transient`` (``Unanswered``: it may have arrived), ``Permanent`` or
    ``Misconfigured``. ``credential``: an azure-identity credential, needed by ``eventgrid`` only.
    """
    receiver = settings.receiver(name)
    ask = partial(_ask, receiver, settings, now, post)
    match receiver.kind:
        case "teams":
            ask(_json(teams.render(_message(content, links, now), settings.teams_card_version, charts=settings.teams_charts)), JSON)
        case "slack":
            _send_slack(_message(content, links, now), settings, ask)
        case "webhook":
            fact = _fact(content)
            body = common_alert.render(fact) if settings.webhook_format == "azure-common-alert" else webhook.render(fact)
            content_type = JSON if settings.webhook_format == "azure-common-alert" else {}
            ask(body, webhook.headers(fact.id, body, receiver.key, now) | content_type)
        case _:
            from shared.notify import eventgrid

            eventgrid.publish(receiver.url.reveal(), credential, _fact(content), now)


type _Ask = Callable[[bytes, Mapping[str, str]], Outcome]


def _message(content: Content, links: Links, now: datetime) -> Message:
    return told_late(build_message(content, links), content.at, now)


def _fact(content: Content) -> Notice | Bulletin:
    if isinstance(content, Group):
        raise Permanent("A program is told facts one by one, never a group of them.")
    return content


def _send_slack(message: Message, settings: Settings, ask: _Ask) -> None:
    """With blocks; if Slack refuses their form, once more as plain text."""
    for form in (partial(slack.render, color_bar=settings.slack_color_bar), slack.plain):
        if ask(_json(form(message)), JSON) is Outcome.DELIVERED:
            return
    raise Permanent("Slack refused the message with blocks and as plain text.")


def _ask(receiver: Receiver, settings: Settings, now: datetime, post: Post, body: bytes, headers: Mapping[str, str]) -> Outcome:
    kinds: dict[str, Kind] = {"teams": "teams", "slack": "slack", "webhook": "webhook"}
    return classify(kinds[receiver.kind], post(receiver.url, body, headers, allow_private=settings.allow_private_receivers), now)


def _json(payload: dict[str, Any]) -> bytes:
    return msgspec.json.encode(payload)
