"""Routes: which receivers are told about what.

A receiver that no route names is told everything, so one address in one setting is enough. A receiver that
routes name is told what one of them matches.
"""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from shared.model import Cause, Severity, Value
from shared.watch.mutes import Globs, matches

KINDS = ("teams", "slack", "webhook", "eventgrid")
CHATS = ("teams", "slack")
"""For people: what changed in a cluster is told in one message. The others are programs: a fact each."""


class Route(Value, frozen=True, forbid_unknown_fields=True):
    """One entry of ``PULLWATCH_ROUTES``."""

    receiver: Annotated[str, Meta(pattern=r"^(teams|slack|webhook|eventgrid)(:[a-z0-9_]+)?$")]
    """``teams``, or ``teams:payments`` for the address in ``PULLWATCH_TEAMS_URL_PAYMENTS``."""
    clusters: Globs = ("*",)
    pools: Globs = ("*",)
    causes: Globs = ("*",)
    min_severity: Severity = Severity.OK
    """The end of an incident counts as bad as the incident was."""


def kind_of(receiver: str) -> str:
    """``teams`` of ``teams:payments``."""
    return receiver.partition(":")[0]


def is_chat(receiver: str) -> bool:
    return kind_of(receiver) in CHATS


def wants(receiver: str, routes: Sequence[Route], cluster_id: str, pool: str, cause: Cause, severity: Severity) -> bool:
    """Whether this receiver is told about it."""
    own = [route for route in routes if route.receiver == receiver]
    return not own or any(
        severity.rank >= route.min_severity.rank and matches(route.clusters, route.pools, route.causes, cluster_id, pool, cause)
        for route in own
    )
