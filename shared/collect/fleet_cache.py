"""The fleet, asked for seldom: kept in the process, and in a blob that all instances of the app share.

A new instance, or an assessment in one, finds the fleet that the last screening read instead of asking
Resource Graph, whose quota is 15 queries in 5 seconds for all of them together.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from shared.collect.fleet import Fleet
from shared.errors import Throttled, Transient

log = logging.getLogger("pullwatch")

KEPT = timedelta(minutes=5)
"""How long a process uses its fleet before it looks whether the shared one is newer."""
SHARED = timedelta(minutes=15)
"""How old the shared fleet may be: each screening renews it."""
FRESH = timedelta(seconds=30)
"""What still counts as fresh: a storm of events about an unknown pool must not become one of queries."""


class Reading(msgspec.Struct, frozen=True):
    """A fleet as read at one moment."""

    read_at: datetime
    question: str
    """What it was read with: another filter makes another fleet."""
    fleet: Fleet


class FleetCache:
    """``read`` asks Azure; ``blob`` gives the shared ``BlobClient``, or None where there is no storage."""

    def __init__(self, read: Callable[[], Fleet], question: str, clock: Callable[[], datetime],
                 blob: Callable[[], Any] = lambda: None) -> None:
        self._read = read
        self._question = question
        self._clock = clock
        self._blob = blob
        self._lock = threading.Lock()
        self._held: Reading | None = None
        self._looked_at: datetime | None = None
        """When the shared fleet was last looked at."""
        self._etag: str | None = None

    def get(self, *, fresh: bool = False) -> Fleet:
        """The fleet, at most ``SHARED`` old, or ``FRESH`` if asked for so. Raises what ``read`` raises."""
        with self._lock:
            now = self._clock()
            lifetime = FRESH if fresh else SHARED
            if not self._usable(now, lifetime) or self._looked_at is None or now - self._looked_at > KEPT:
                self._look(now)
            if self._held is None or not self._usable(now, lifetime):
                self._held = self._renewed(now, fresh)
            return self._held.fleet

    def _usable(self, now: datetime, lifetime: timedelta) -> bool:
        return self._held is not None and now - self._held.read_at <= lifetime

    def _look(self, now: datetime) -> None:
        """Takes the shared fleet if it is another than the one held."""
        shared, self._looked_at = self._load(), now
        if shared is not None and shared.question == self._question and (self._held is None or shared.read_at > self._held.read_at):
            self._held = shared

    def _renewed(self, now: datetime, fresh: bool) -> Reading:
        """Asks Azure. Where that fails for now, a fleet that is a little too old is better than none."""
        try:
            reading = Reading(now, self._question, self._read())
        except (Throttled, Transient) as error:
            if self._held is None or fresh:
                raise
            log.warning("the fleet could not be read, the one of %s is used: %s", self._held.read_at, error)
            return self._held
        self._save(reading)
        return reading

    def _load(self) -> Reading | None:
        """The shared reading; None: there is none, none that can be read, or none newer than the last one loaded."""
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError

        blob = self._blob()
        if blob is None:
            return None
        unless = {"etag": self._etag, "match_condition": MatchConditions.IfModified} if self._etag else {}
        try:
            stream = blob.download_blob(**unless)
            reading = msgspec.json.decode(stream.readall(), type=Reading)
        except (ResourceNotFoundError, ResourceModifiedError, msgspec.ValidationError):  # Modified: how the SDK says 304
            return None
        self._etag = stream.properties.etag
        return reading

    def _save(self, reading: Reading) -> None:
        blob = self._blob()
        if blob is not None:
            self._etag = blob.upload_blob(msgspec.json.encode(reading), overwrite=True)["etag"]
