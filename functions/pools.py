"""Pools are looked at: suspects found by the clock, assessments from the queue, housekeeping."""

import azure.functions as func

from shared.schedules import schedule_of

pools = func.Blueprint()

EVERY_FIVE_MINUTES, EVERY_TWO_MINUTES = "0 */5 * * * *", "30 */2 * * * *"


@pools.timer_trigger(arg_name="timer", schedule=schedule_of("PULLWATCH_SWEEP_SCHEDULE", EVERY_FIVE_MINUTES))
def sweep(timer: func.TimerRequest) -> None:
    """Screens the fleet and asks for assessments of the suspects."""
    from shared.flow.sweep import sweep as run
    from shared.services import services

    run(services())


@pools.queue_trigger(arg_name="message", queue_name="assessments", connection="AzureWebJobsStorage")
def assess(message: func.QueueMessage) -> None:
    """Collects, diagnoses and concludes about one pool."""
    from shared.flow.assess import assess as run
    from shared.flow.jobs import Assessment
    from shared.model import decode
    from shared.services import services

    run(services(), decode(message.get_body(), Assessment))


@pools.timer_trigger(arg_name="timer", schedule=schedule_of("PULLWATCH_TIDY_SCHEDULE", EVERY_TWO_MINUTES))
def tidy(timer: func.TimerRequest) -> None:
    """Closes what time closes, takes up what a crash left behind, reports what is wrong with Pullwatch itself."""
    from shared.flow.tidy import tidy as run
    from shared.services import services

    run(services())
