"""``host.json``: the settings of Azure's host that the local one honours, with the platform's defaults.

Source: "host.json reference for Azure Functions 2.x and later"; "Azure Queue storage trigger and bindings".
"""

from datetime import timedelta
from pathlib import Path
from typing import Literal

import msgspec

from local.host.errors import HostError


class Queues(msgspec.Struct, frozen=True, rename="camel"):
    batch_size: int = 16
    new_batch_threshold: int | None = None
    """Fetch the next batch once no more than this many messages are in work; None: half of ``batch_size``."""
    max_dequeue_count: int = 5
    visibility_timeout: str = "00:00:00"
    """How long a failed message waits before it is tried again."""
    message_encoding: Literal["base64", "none"] = "base64"

    @property
    def refetch_at(self) -> int:
        return self.batch_size // 2 if self.new_batch_threshold is None else self.new_batch_threshold

    @property
    def retry_seconds(self) -> int:
        return int(seconds(self.visibility_timeout))


class Http(msgspec.Struct, frozen=True, rename="camel"):
    route_prefix: str = "api"


class Extensions(msgspec.Struct, frozen=True, rename="camel"):
    queues: Queues = Queues()
    http: Http = Http()


class HostJson(msgspec.Struct, frozen=True, rename="camel"):
    version: Literal["2.0"]
    function_timeout: str = "00:30:00"
    extensions: Extensions = Extensions()

    @property
    def timeout_seconds(self) -> float:
        return seconds(self.function_timeout)


def load(app_dir: Path) -> HostJson:
    """The host.json of an app. Raises ``HostError`` naming what is wrong in it."""
    path = app_dir / "host.json"
    try:
        host_json = msgspec.json.decode(path.read_bytes(), type=HostJson)
        seconds(host_json.function_timeout)
        seconds(host_json.extensions.queues.visibility_timeout)
    except FileNotFoundError:
        raise HostError(f"{path} is missing: a function app has its host.json beside function_app.py.") from None
    except (msgspec.DecodeError, ValueError) as error:
        raise HostError(f"{path}: {error}") from None
    return host_json


def seconds(span: str) -> float:
    """``[d.]hh:mm:ss`` in seconds. Raises ``ValueError``."""
    days, dot, rest = span.rpartition(".")
    hours, minutes, secs = (int(part) for part in rest.split(":"))
    return timedelta(days=int(days) if dot else 0, hours=hours, minutes=minutes, seconds=secs).total_seconds()
