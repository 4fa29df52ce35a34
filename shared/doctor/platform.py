"""Pullwatch's own ground: its storage, its clock, its identity."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from shared.collect.azure import Denied
from shared.collect.clouds import cloud
from shared.doctor.check import Check, asked, give
from shared.flow.jobs import EVENTS
from shared.services import Services
from shared.units import counted

SUBSCRIPTIONS = "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' | project id, name | order by id asc"
TOLERATED_SKEW_SECONDS = 60
"""Receivers of the webhook refuse signatures that are five minutes off; minutes of metrics shift before that."""


def storage_checks(app: Services) -> Iterator[Check]:
    settings = app.settings
    if not (settings.storage_connection_string or settings.storage_account_name):
        yield Check("storage", "", "skipped", "no account is set: fine at a terminal, the function app needs AzureWebJobsStorage")
        return
    yield _stored("storage table", app, lambda: next(app.store.all_pools(), None), "Storage Table Data Contributor")
    yield _stored("storage queue", app, lambda: app.queue_length(EVENTS), "Storage Queue Data Contributor")
    yield _stored("storage blob", app, lambda: _read_any_blob(app), "Storage Blob Data Owner")


def _read_any_blob(app: Services) -> None:
    from azure.core.exceptions import ResourceNotFoundError

    with suppress(ResourceNotFoundError):
        app.load_blob("doctor")


def _stored(name: str, app: Services, call: Callable[[], Any], role: str) -> Check:
    from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

    account = app.settings.storage_account_name
    try:
        call()
    except ClientAuthenticationError:
        return Check(name, account, "failed", "sign-in failed", "Set AZURE_CLIENT_ID to the identity's client id, or run az login.")
    except HttpResponseError as error:
        refused = error.status_code == 403
        do = f"{give(role, 'STORAGE_ACCOUNT_ID', app.settings.azure_client_id)}; let this network reach the account, too" if refused else "Run the doctor again."
        return Check(name, account, "failed" if refused else "unreadable", f"answered {error.status_code}", do)
    except AzureError as error:
        return Check(name, account, "unreadable", f"did not answer ({type(error).__name__})",
                     "Look at the account's name, its firewall and private endpoints.")
    return Check(name, account, "ok", "answers")


def clock_check(app: Services) -> Check:
    """Our clock against Azure's, from the Date header of an answer that needs no sign-in."""
    import requests

    try:
        headers = requests.head(app.settings.resource_manager_endpoint or cloud(app.settings).resource_manager, timeout=10, allow_redirects=False).headers
    except requests.RequestException as error:
        return Check("clock", "", "unreadable", f"Azure Resource Manager is not reached ({type(error).__name__})",
                     "Look at the network, HTTPS_PROXY and REQUESTS_CA_BUNDLE.")
    return judged_clock(headers.get("Date", ""), app.clock())


def judged_clock(date_header: str, now: datetime) -> Check:
    """``date_header`` as in ``Tue, 24 Nov 2026 10:00:00 GMT``."""
    try:
        theirs = parsedate_to_datetime(date_header).replace(tzinfo=UTC)
    except ValueError:
        return Check("clock", "", "skipped", "the answer holds no readable date")
    skew_seconds = abs((now - theirs).total_seconds())
    if skew_seconds > TOLERATED_SKEW_SECONDS:
        return Check("clock", "", "failed", f"{skew_seconds:.0f} s off Azure's", "Set this machine's clock (NTP).")
    return Check("clock", "", "ok", "agrees with Azure's")


def identity_check(app: Services) -> Check:
    """One Resource Graph query: signing in works, and something is readable."""

    def ask() -> Check:
        try:
            found = app.azure.graph(SUBSCRIPTIONS)
        except Denied:
            found = []
        if not found:
            return Check("identity", "", "failed", "signs in, and may read no subscription", reader(app))
        names = ", ".join(sorted(str(row["name"]) for row in found)[:5])
        return Check("identity", "", "ok", f"signs in and reads {counted(len(found), 'subscription')} ({names})")

    return asked("identity", "", ask, "az login   # at a terminal; in Azure set AZURE_CLIENT_ID to the identity's client id")


def reader(app: Services) -> str:
    """The command that lets the identity see clusters and scale sets."""
    subscription = next(iter(app.settings.subscriptions), "SUBSCRIPTION_ID")
    return give("Reader", f"/subscriptions/{subscription}", app.settings.azure_client_id)
