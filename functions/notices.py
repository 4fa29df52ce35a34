"""Messages go out: one queue message a receiver, so that a dead one delays nobody else."""

import azure.functions as func

notices = func.Blueprint()


@notices.queue_trigger(arg_name="message", queue_name="deliveries", connection="AzureWebJobsStorage")
def deliver(message: func.QueueMessage) -> None:
    """One attempt to tell one receiver."""
    from shared.flow.jobs import DeliveryJob
    from shared.flow.outgoing import deliver as run
    from shared.model import decode
    from shared.services import services

    run(services(), decode(message.get_body(), DeliveryJob))
