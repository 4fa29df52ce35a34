"""Event Grid: every notice as a CloudEvent on a custom topic (input schema "Cloud Event Schema v1.0").

Signed in with the app's identity, which needs the role "EventGrid Data Sender" on the topic.
"""

from datetime import datetime
from typing import Any

from shared.errors import Permanent, Throttled, Transient, Unanswered
from shared.model import Bulletin, Notice
from shared.notify.answers import retry_after_seconds
from shared.notify.webhook import event, to_builtins

ONE_TRY: dict[str, Any] = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 15, "permit_redirects": False}
"""Given with each send: for custom topics azure-eventgrid 4.22 ignores what its constructor is given."""


def publish(endpoint: str, credential: Any, fact: Notice | Bulletin, now: datetime) -> None:
    """Sends one event. ``credential`` is an azure-identity credential, or an ``AzureKeyCredential``.

    Raises the errors of ``shared.errors``. The client does not retry by itself: the outbox does.
    """
    from azure.core import exceptions
    from azure.core.messaging import CloudEvent
    from azure.eventgrid import EventGridPublisherClient

    told = event(fact)
    plain = CloudEvent(
        source=told.source, type=told.type, data=to_builtins(told.data), id=told.id, subject=told.subject, time=told.time,
    )
    try:
        with EventGridPublisherClient(endpoint, credential) as client:
            client.send(plain, **ONE_TRY)
    except exceptions.ClientAuthenticationError:
        raise Permanent("Event Grid refused the identity: give it the role EventGrid Data Sender on the topic.") from None
    except exceptions.HttpResponseError as error:
        raise _refusal(error, now) from None
    except exceptions.ServiceRequestError:
        raise Transient("Event Grid could not be reached.") from None
    except exceptions.ServiceResponseError:
        raise Unanswered("Event Grid did not answer.") from None


def _refusal(error: Any, now: datetime) -> Throttled | Transient | Permanent:
    """What a caller can do about an HTTP status of the topic."""
    status = error.status_code or 0
    if status == 429:
        return Throttled("Event Grid throttles this topic.", retry_after_seconds(str(error.response.headers.get("Retry-After", "")), now))
    if status in (0, 408) or status >= 500:
        return Transient(f"Event Grid answered {status}.")
    if status == 403:
        return Permanent("Event Grid refused the identity: give it the role EventGrid Data Sender on the topic.")
    return Permanent(f"Event Grid refused the event with {status}: is the topic's input schema Cloud Event Schema v1.0?")
