"""What a person does with the ledger of deliveries: look, send again, try a receiver out."""

from collections.abc import Iterable, Iterator, Sequence

from shared import units
from shared.errors import Permanent, PullwatchError
from shared.flow import outgoing
from shared.model import Bulletin, Delivery, Severity
from shared.services import Services
from shared.watch import outbox
from shared.watch.store import Row

MOST_SHOWN = 200


def listed(services: Services, *, parked_only: bool = False) -> list[Delivery]:
    """Deliveries, newest first."""
    found = [row.value for row in services.store.deliveries() if row.value.status == "parked" or not parked_only]
    return sorted(found, key=lambda d: (d.created_at, d.id), reverse=True)[:MOST_SHOWN]


def as_lines(deliveries: Sequence[Delivery]) -> Iterator[str]:
    """A line each: when, id, receiver, status, attempts, and why."""
    width = max((len(d.id) for d in deliveries), default=0)
    for d in deliveries:
        yield f"{units.clock(d.created_at)}  {d.id.ljust(width)}  {d.status.ljust(9)}  {units.counted(d.attempts, 'attempt').rjust(11)}  {d.reason}".rstrip()


def redeliver(services: Services, delivery_id: str) -> list[Delivery]:
    """Sends parked deliveries again: one by its id, or all with an empty id. Raises ``Permanent`` if there is none."""
    rows = [row for row in services.store.deliveries() if delivery_id in ("", row.value.id)]
    if delivery_id and not rows:
        raise Permanent(f"No delivery has the id {delivery_id!r}: pullwatch.py deliveries lists them.")
    parked = [row for row in rows if row.value.status == "parked"]
    if delivery_id and not parked:
        raise Permanent(f"{delivery_id} is {rows[0].value.status}, not parked: only what was given up is sent again.")
    return [_revive(services, row) for row in parked]


def _revive(services: Services, row: Row[Delivery]) -> Delivery:
    revived = outbox.revived(row.value, services.clock())
    services.store.put_delivery(Row(revived, row.etag))
    outgoing.enqueue(services, revived)
    return revived


def send_test(services: Services, receivers: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(receiver, what came of it), past the ledger: ``delivered`` or the reason why not."""
    now = services.clock()
    told = Bulletin(f"test-{now:%Y%m%dT%H%M%S}", "test", now, Severity.NOTICE, "Pullwatch can reach this receiver",
                    ("This is a test. Messages about slow image pulls will look much like this one.",))
    for receiver in receivers:
        try:
            services.send(receiver, told)
        except PullwatchError as error:
            yield receiver, str(error)
        else:
            yield receiver, "delivered"
