"""Azure's events come in, by Event Grid trigger or from the queue that Event Grid writes to.

The body stays raw text until our own parser reads it: the bindings pick a class by the payload, and
raise on times with an offset before any code of ours runs.
"""

import azure.functions as func

events = func.Blueprint()


@events.event_grid_trigger(arg_name="event")
def on_azure_event(event: str) -> None:
    """One event, pushed by Event Grid."""
    from shared.flow.wake import receive
    from shared.services import services

    receive(services(), event)


@events.queue_trigger(arg_name="message", queue_name="azure-events", connection="AzureWebJobsStorage")
def on_queued_azure_event(message: func.QueueMessage) -> None:
    """One event from the storage queue: the deployed default, since a queue forgets nothing."""
    from shared.flow.wake import receive
    from shared.services import services

    receive(services(), message.get_body())
