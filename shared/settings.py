"""Every setting, its default and its meaning.

Settings are environment variables: ``PULLWATCH_`` and the field's name in capitals, or the name in
``FOREIGN`` where Azure already has one. ``docs/settings.md`` lists them all; a test keeps it so.
"""

import os
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from shared.errors import Misconfigured
from shared.model import Thresholds

PREFIX = "PULLWATCH_"
FOREIGN = {
    "azure_cloud": "AZURE_CLOUD",
    "azure_client_id": "AZURE_CLIENT_ID",
    "resource_manager_endpoint": "AZURE_RESOURCE_MANAGER_ENDPOINT",
    "metrics_endpoint": "AZURE_MONITOR_METRICS_ENDPOINT",
    "logs_endpoint": "AZURE_MONITOR_LOGS_ENDPOINT",
    "storage_connection_string": "AzureWebJobsStorage",
    "storage_account_name": "AzureWebJobsStorage__accountName",
}


class Secret:
    """A string that never shows: a webhook URL or a key. ``reveal`` where it is used, nowhere else."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value.strip()

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(…)" if self._value else "Secret()"

    __str__ = __repr__


NO_SECRET = Secret("")
Positive = Annotated[float, Meta(gt=0)]
Words = tuple[str, ...]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Read once at the door by ``load``; passed down as a value."""

    # who is told
    teams_url: Annotated[Secret, Meta(description="Teams Workflows webhook URL.")] = NO_SECRET
    slack_url: Annotated[Secret, Meta(description="Slack incoming webhook URL.")] = NO_SECRET
    webhook_url: Annotated[Secret, Meta(description="URL that receives signed CloudEvents.")] = NO_SECRET
    webhook_secret: Annotated[
        Secret, Meta(description="Signing key of the webhook, `whsec_` and base64 (Standard Webhooks).")
    ] = NO_SECRET
    eventgrid_endpoint: Annotated[
        str, Meta(description="Event Grid custom topic endpoint that receives every notice; signed in with the identity.")
    ] = ""
    teams_card_version: Annotated[
        Literal["1.2", "1.4", "1.5"], Meta(description="Adaptive Card version; flow-posted 1.5 cards were refused.")
    ] = "1.4"
    runbook_url: Annotated[str, Meta(description="https link shown in every message as “Runbook”.")] = ""
    allow_private_receivers: Annotated[
        bool, Meta(description="Allow receivers on private addresses; metadata and link-local stay refused.")
    ] = False
    summaries: Annotated[
        Literal["all", "upgrades", "problems"],
        Meta(description="Which ended operations are summed up: `upgrades` means every upgrade, and scale-outs that went wrong."),
    ] = "upgrades"

    # what is watched
    subscriptions: Annotated[
        Words, Meta(description="Subscription ids to look in, comma-separated; empty: every one the identity can read.")
    ] = ()
    clusters: Annotated[
        Words, Meta(description="Cluster names or ids to watch, comma-separated; empty: all.")
    ] = ()
    sweep_schedule: Annotated[
        str, Meta(description="NCRONTAB schedule (UTC) of the fleet screening.")
    ] = "0 */5 * * * *"
    tidy_schedule: Annotated[str, Meta(description="NCRONTAB schedule (UTC) of the housekeeping.")] = "30 */2 * * * *"
    window_minutes: Annotated[Positive, Meta(description="Minutes looked at when no operation is open.")] = 30
    baseline_hours: Annotated[Positive, Meta(description="Hours before the window that say what is usual.")] = 24
    metrics_lag_seconds: Annotated[
        float, Meta(ge=0, description="Seconds that Azure Monitor needs until a minute is complete; a final assessment waits so long.")
    ] = 180
    watch_interval_seconds: Annotated[
        Positive, Meta(description="Seconds between assessments while an operation is open.")
    ] = 90
    operation_timeout_minutes: Annotated[
        Positive, Meta(description="Minutes without any sign of life after which an open operation is closed.")
    ] = 120
    scale_out_minutes: Annotated[
        Positive, Meta(description="Minutes a scale-out is watched: Azure sends no event when it ends.")
    ] = 20
    calm_checks: Annotated[
        int, Meta(ge=1, description="Healthy assessments in a row that resolve an incident.")
    ] = 2
    azure_budget_seconds: Annotated[
        Positive, Meta(description="Total time one assessment may spend on reading Azure.")
    ] = 120

    # how it is judged
    slow_pull_seconds: Annotated[Positive, Meta(description="A pull this long is slow.")] = 60
    slow_factor: Annotated[
        float, Meta(ge=1, description="A pull this many times the pool's usual p95 is slow, from `PULLWATCH_SLOW_FLOOR_SECONDS` on.")
    ] = 3
    slow_floor_seconds: Annotated[Positive, Meta(description="No pull shorter than this is called slow.")] = 20
    queue_depth: Annotated[
        Positive, Meta(description="OS disk queue depth above which a disk counts as busy; 10 to 17 is an ordinary working load.")
    ] = 20
    saturated_percent: Annotated[
        float, Meta(gt=0, le=100, description="Percent of a disk or VM limit from which it counts as used up (AKS recommends 95).")
    ] = 95
    cpu_percent: Annotated[float, Meta(gt=0, le=100, description="CPU percent from which unpacking counts as held up.")] = 90
    network_percent: Annotated[
        float, Meta(gt=0, le=100, description="Percent of the size's network bandwidth from which the NIC counts as full.")
    ] = 85

    # Azure
    azure_cloud: Annotated[
        Literal["AzureCloud", "AzureUSGovernment", "AzureChinaCloud"],
        Meta(description="Which cloud: picks endpoints and token audiences."),
    ] = "AzureCloud"
    azure_client_id: Annotated[str, Meta(description="Client id of the user-assigned identity, if that is used.")] = ""
    resource_manager_endpoint: Annotated[str, Meta(description="Overrides the cloud's Azure Resource Manager endpoint.")] = ""
    metrics_endpoint: Annotated[
        str, Meta(description="Overrides the metrics batch endpoint; `{region}` is replaced by the resource's region.")
    ] = ""
    logs_endpoint: Annotated[str, Meta(description="Overrides the Log Analytics endpoint.")] = ""
    storage_connection_string: Annotated[
        Secret, Meta(description="Storage for state, queues and cases; the function app's own. A connection string, or empty with an account name.")
    ] = NO_SECRET
    storage_account_name: Annotated[
        str, Meta(description="Storage account used with the identity instead of a connection string.")
    ] = ""

    @property
    def thresholds(self) -> Thresholds:
        return Thresholds(**{name: getattr(self, name) for name in Thresholds.__struct_fields__})

    @property
    def receivers(self) -> Words:
        """The kinds of receiver that have an address, in the order they are told."""
        kinds = ("teams", "slack", "webhook", "eventgrid")
        address = {"eventgrid": self.eventgrid_endpoint}
        return tuple(k for k in kinds if (address[k] if k in address else getattr(self, f"{k}_url")))


def env_name(field: str) -> str:
    """The environment variable of a settings field."""
    return FOREIGN.get(field, PREFIX + field.upper())


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings in ``environ``. Raises ``Misconfigured`` with one sentence naming the variable."""
    raw = {f.name: _raw(f.type, environ[env_name(f.name)]) for f in msgspec.structs.fields(Settings)
           if environ.get(env_name(f.name), "").strip()}
    try:
        settings = msgspec.convert(raw, Settings, strict=False, dec_hook=_decode_secret)
    except msgspec.ValidationError as error:
        raise Misconfigured(_explain(str(error), environ)) from None
    _check_urls(settings)
    return settings


def _raw(kind: Any, text: str) -> Any:
    if getattr(kind, "__origin__", kind) == Words:
        return [word.strip() for word in text.split(",") if word.strip()]
    return text.strip()


def _decode_secret(kind: type, value: Any) -> Any:
    if kind is Secret:
        return Secret(str(value))
    raise NotImplementedError(kind)


def _explain(problem: str, environ: Mapping[str, str]) -> str:
    """``Expected `float` > 0 - at `$.queue_depth` `` → a sentence about PULLWATCH_QUEUE_DEPTH."""
    what, _, where = problem.partition(" - at `$.")
    name = env_name(re.split(r"[^a-z0-9_]", where)[0])
    return f"{name} is {environ.get(name, '')!r}: {what[:1].lower()}{what[1:]}."


def _check_urls(settings: Settings) -> None:
    for field in ("teams_url", "slack_url", "webhook_url"):
        check_receiver_url(env_name(field), getattr(settings, field).reveal())
    for field in ("runbook_url", "eventgrid_endpoint"):
        check_receiver_url(env_name(field), getattr(settings, field))
    if settings.webhook_url and not settings.webhook_secret:
        raise Misconfigured(f"{env_name('webhook_secret')} is missing: a webhook is always signed; set it to whsec_ and 24 to 64 random bytes in base64.")


def check_receiver_url(name: str, url: str) -> None:
    """Raises ``Misconfigured`` if ``url`` cannot be a receiver. The text never quotes the URL."""
    if not url:
        return
    if url.startswith("@Microsoft.KeyVault("):
        raise Misconfigured(f"{name} is an unresolved Key Vault reference: give the app's identity the role Key Vault Secrets User and restart it.")
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise Misconfigured(f"{name} must be an https URL.")
    if parts.username or parts.password:
        raise Misconfigured(f"{name} must not hold a user name or password.")
