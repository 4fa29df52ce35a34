"""Messages go out: gathered by cluster, then one queue message a receiver, so that a dead one delays nobody else."""

import os

import azure.functions as func

from shared.schedules import schedule_of

notices = func.Blueprint()

WEEKLY = "0 0 7 * * Mon"
IS_OFF = os.environ.get("PULLWATCH_DIGEST_SCHEDULE", WEEKLY).strip().lower() in ("", "off")


@notices.queue_trigger(arg_name="message", queue_name="announcements", connection="AzureWebJobsStorage")
def announce(message: func.QueueMessage) -> None:
    """Tells what waits in a cluster, if it is time."""
    from shared.flow.announce import announce as run
    from shared.flow.jobs import Announcement
    from shared.model import decode
    from shared.services import services

    run(services(), decode(message.get_body(), Announcement))


@notices.queue_trigger(arg_name="message", queue_name="deliveries", connection="AzureWebJobsStorage")
def deliver(message: func.QueueMessage) -> None:
    """One attempt to tell one receiver."""
    from shared.flow.jobs import DeliveryJob
    from shared.flow.outgoing import deliver as run
    from shared.model import decode
    from shared.services import services

    run(services(), decode(message.get_body(), DeliveryJob))


def digest(timer: func.TimerRequest) -> None:
    """The weekly summary."""
    from shared.flow.digest import digest as run
    from shared.services import services

    run(services())


if not IS_OFF:
    notices.timer_trigger(arg_name="timer", schedule=schedule_of("PULLWATCH_DIGEST_SCHEDULE", WEEKLY))(digest)
