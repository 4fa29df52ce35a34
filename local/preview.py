"""What the chats would show of the messages that arrived: one HTML file without scripts, or text for a terminal.

Draws exactly the elements that Pullwatch sends. A likeness of Teams and Slack, no proof of their rendering.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from local.receivers import Received

TEMPLATE = Path(__file__).with_name("preview.html")


def preview_html(received: Sequence[Received]) -> str:
    """One self-contained page with every Teams card and Slack message that arrived, in order."""
    environment = Environment(loader=FileSystemLoader(TEMPLATE.parent), autoescape=True, trim_blocks=True)
    template = environment.get_template(TEMPLATE.name)
    return template.render(messages=[_view(request) for request in received if request.kind in ("teams", "slack")])


def write_html(received: Sequence[Received], path: Path) -> Path:
    path.write_text(preview_html(received), encoding="utf-8")
    return path


def preview_text(received: Sequence[Received]) -> str:
    """The same for a terminal, webhooks included."""
    return "\n".join(line for request in received for line in _text_lines(request)) + "\n"


def _view(request: Received) -> dict[str, Any]:
    payload = request.json
    content = payload["attachments"][0]["content"] if request.kind == "teams" else {**payload, "blocks": _blocks(payload)}
    return {"kind": request.kind, "at": f"{request.at:%H:%M}", "content": content, "problem": request.problem}


def _text_lines(request: Received) -> Iterable[str]:
    answer = f"answered {request.status}" if request.status else "not answered"
    yield f"── {request.kind} · {request.at:%H:%M:%S} UTC · {answer}{' · ' + request.problem if request.problem else ''} " + "─" * 20
    match request.kind:
        case "teams":
            card = request.json["attachments"][0]["content"]
            yield from (line for element in card["body"] for line in _teams_lines(element))
            yield from ("  ".join(f"[{action['title']}]" for action in card["actions"]),) if card.get("actions") else ()
        case "slack":
            payload = request.json
            yield from (line for block in _blocks(payload) or [{"text": payload["text"]}] for line in _slack_lines(block))
        case _:
            event = request.json[0] if isinstance(request.json, list) else request.json
            data = event["data"]
            yield f"{event['type']} {event['id']}: {data['diagnosis']['headline'] if 'diagnosis' in data else data['title']}"
    yield ""


def _blocks(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of the message, or of the attachment with the coloured bar."""
    return [block for part in (payload, *payload.get("attachments", [])) for block in part.get("blocks", [])]


def _teams_lines(element: dict[str, Any]) -> Iterable[str]:
    if "items" in element:
        for item in element["items"]:
            yield from _teams_lines(item)
        return
    if element["type"].startswith("Chart."):
        element = element["fallback"]
    runs = element["inlines"]
    indent = "       " if runs[0].get("fontType") == "Monospace" else ""
    yield indent + "".join(run["text"] for run in runs)


def _slack_lines(block: dict[str, Any]) -> Iterable[str]:
    text = block.get("text")
    if isinstance(text, dict):
        yield text["text"]
    elif isinstance(text, str):
        yield from text.splitlines()
    for element in block.get("elements", ()):
        match element["type"]:
            case "rich_text_list":
                yield from (f"  • {_inline_text(item)}" for item in element["elements"])
            case "rich_text_preformatted":
                yield from (f"       {line}" for line in _inline_text(element).splitlines())
            case "plain_text":
                yield element["text"]
            case _:
                yield from _inline_text(element).splitlines()


def _inline_text(element: dict[str, Any]) -> str:
    return "".join(part["text"] if part["type"] == "text" else f"[{part['text']}]" for part in element["elements"])
