"""What the previews show of what really arrived."""

from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from local.preview import preview_html, preview_text, write_html
from local.receivers import Received, Receivers
from shared.notify.delivery import send
from shared.settings import Settings
from tests.report import golden, samples


def arrived(chats: Receivers, settings: Settings, notice, kinds=("teams", "slack", "webhook")) -> list[Received]:
    for kind in kinds:
        send(kind, notice, settings, samples.LINKS, datetime.now(UTC))
    return chats.received


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src", "action")]

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("name", golden.NOTICES)
def test_every_message_can_be_drawn(name, chats: Receivers, settings: Settings):
    requests = arrived(chats, settings, golden.NOTICES[name]())
    page = Page(preview_html(requests))
    title = samples.HEALTHY if name == "healthy_upgrade" else samples.DISK_IOPS
    assert page.text.count("prod-weu / apps") >= 2, title
    assert "Would not be shown" not in page.text


def test_the_page_needs_nothing_from_outside(chats: Receivers, settings: Settings):
    page = Page(preview_html(arrived(chats, settings, samples.opened())))
    assert not {"script", "img", "link", "iframe", "object"} & set(page.tags)
    assert all(link.startswith("https://") for link in page.links)


def test_the_page_shows_the_command_and_the_links(chats: Receivers, settings: Settings):
    html = preview_html(arrived(chats, settings, samples.opened()))
    assert html.count("az aks nodepool add") == 2
    assert html.count(">Open report</a>") == 2


@pytest.mark.parametrize("name", samples.HOSTILE_NAMES)
def test_a_hostile_name_is_only_text_in_the_page(name, chats: Receivers, settings: Settings):
    page = Page(preview_html(arrived(chats, settings, samples.hostile(name), ("teams", "slack"))))
    assert "script" not in page.tags
    assert "img" not in page.tags


def test_the_terminal_shows_the_same_words(chats: Receivers, settings: Settings):
    shown = preview_text(arrived(chats, settings, samples.opened()))
    assert shown.count("p95 pull 4 min 12 s (usually 41 s)") == 2
    assert "io.pullwatch.incident.opened msg-2f6c" in shown


def test_a_card_that_teams_would_drop_is_marked():
    broken = Received("teams", datetime.now(UTC), {}, b'{"attachments":[{"content":{"body":[]}}]}', 202, "too large")
    assert "Would not be shown: too large" in Page(preview_html([broken])).text


def test_an_empty_page_says_so(tmp_path):
    assert "No message has arrived" in write_html([], tmp_path / "preview.html").read_text(encoding="utf-8")
