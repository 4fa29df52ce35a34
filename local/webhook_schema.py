"""Writes ``docs/schema`` from the types themselves: ``python -m local.webhook_schema``."""

import json
from pathlib import Path
from typing import Any

import msgspec

from shared.model import DIAGNOSIS_VERSION, Diagnosis
from shared.notify.common_alert import CommonAlert
from shared.notify.webhook import BulletinData, CloudEvent, EventData

FOLDER = Path(__file__).parent.parent / "docs" / "schema"
KINDS: dict[str, Any] = {
    "event": CloudEvent[EventData], "bulletin": CloudEvent[BulletinData], "common-alert": CommonAlert, "diagnosis": Diagnosis,
}


def schemas() -> dict[str, str]:
    """File name → JSON Schema (draft 2020-12) of what is sent."""
    return {f"{name}.v{DIAGNOSIS_VERSION}.json": _schema(name, kind) for name, kind in KINDS.items()}


def _schema(name: str, kind: Any) -> str:
    body: dict[str, Any] = msgspec.json.schema(kind)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"Pullwatch {name}, version {DIAGNOSIS_VERSION}"}
    return json.dumps(head | body, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in schemas().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
