"""Azure's events come in: those of clusters from the queue that Event Grid writes to, those of whole subscriptions by its trigger.

The body stays raw text until our own parser reads it: the bindings pick a class by the payload, and
raise on times with an offset before any code of ours runs.
"""

import azure.functions as func

events = func.Blueprint()


@events.event_grid_trigger(arg_name="event")
def on_azure_event(event: str) -> None:
    """One event, pushed by Event Grid, which tries again for a day: its topics of global sources can write to no queue of ours."""
    from shared.flow.wake import receive
    from shared.services import services

    receive(services(), event)


@events.queue_trigger(arg_name="message", queue_name="azure-events", connection="AzureWebJobsStorage")
def on_queued_azure_event(message: func.QueueMessage) -> None:
    """One event from the storage queue, which forgets nothing: upgrades come this way."""
    from shared.flow.wake import receive
    from shared.services import services

    receive(services(), message.get_body())
