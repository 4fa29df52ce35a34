"""Generic webhook: a CloudEvents 1.0 JSON event, signed as Standard Webhooks 1.0 says.

``docs/webhook.md`` describes it for those who receive it.
"""

import base64
import hashlib
import hmac
from datetime import datetime

import msgspec

from shared.model import Bulletin, Diagnosis, Incident, Notice, Operation, Severity, Value, encode
from shared.setting_checks import signing_keys
from shared.settings import Secret, env_name

CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
TYPES = {
    "opened": "io.pullwatch.incident.opened",
    "changed": "io.pullwatch.incident.changed",
    "resolved": "io.pullwatch.incident.resolved",
    "summary": "io.pullwatch.operation.summary",
    "health": "io.pullwatch.health",
    "digest": "io.pullwatch.digest",
    "test": "io.pullwatch.test",
}
OURSELVES = "/pullwatch"
"""``source`` of what is about no cluster."""


class EventData(Value, frozen=True):
    kind: str
    reason: str
    diagnosis: Diagnosis
    operation: Operation | None
    incident: Incident | None


class BulletinData(Value, frozen=True):
    """About Pullwatch itself, or about a week."""

    kind: str
    severity: Severity
    title: str
    lines: tuple[str, ...]


class CloudEvent[Data: (EventData, BulletinData)](Value, frozen=True):
    """Attributes of "CloudEvents 1.0"; ``source`` and ``id`` together are unique, over all retries the same."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    data: Data
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


def event(fact: Notice | Bulletin) -> CloudEvent[EventData] | CloudEvent[BulletinData]:
    if isinstance(fact, Bulletin):
        told = BulletinData(fact.kind, fact.severity, fact.title, fact.lines)
        return CloudEvent(id=fact.id, source=OURSELVES, type=TYPES[fact.kind], subject="pullwatch", time=fact.at, data=told)
    diagnosis = fact.diagnosis
    return CloudEvent(
        id=fact.id, source=diagnosis.cluster.id, type=TYPES[fact.kind], subject=diagnosis.pool.name, time=fact.at,
        data=EventData(fact.kind, fact.reason, diagnosis, fact.operation or diagnosis.operation, fact.incident),
    )


def render(fact: Notice | Bulletin) -> bytes:
    """The body: the same bytes for the same fact, so that a retry repeats them."""
    return encode(event(fact))


def headers(message_id: str, body: bytes, keys: Secret, now: datetime) -> dict[str, str]:
    """Headers of one attempt at ``now``. ``keys``: one signing key, or several separated by blanks while they rotate.

    Raises ``Misconfigured`` if a key is not ``whsec_`` and the base64 of 24 to 64 bytes.
    """
    timestamp = str(int(now.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = [_signature(key, signed) for key in signing_keys(env_name("webhook_secret"), keys.reveal())]
    return {
        "Content-Type": CONTENT_TYPE,
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }


def _signature(key: bytes, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def to_builtins(data: EventData | BulletinData) -> dict[str, object]:
    """The event's data as plain JSON values, for a client that encodes them itself."""
    plain: dict[str, object] = msgspec.to_builtins(data, order="deterministic")
    return plain
