"""Every setting, its default and its meaning.

Settings are environment variables: ``PULLWATCH_`` and the field's name in capitals, or the name in
``FOREIGN`` where Azure already has one. ``docs/settings.md`` lists them all; a test keeps it so.
"""

import os
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from shared.errors import Misconfigured
from shared.model import Thresholds, Value
from shared.setting_checks import (
    check_account_name,
    check_link_secret,
    check_resolved,
    check_schedule,
    check_url,
    signing_keys,
)
from shared.watch.mutes import Mute, problem_of
from shared.watch.routes import KINDS, Route, kind_of

PREFIX = "PULLWATCH_"
FOREIGN = {
    "azure_cloud": "AZURE_CLOUD",
    "azure_client_id": "AZURE_CLIENT_ID",
    "resource_manager_endpoint": "AZURE_RESOURCE_MANAGER_ENDPOINT",
    "metrics_endpoint": "AZURE_MONITOR_METRICS_ENDPOINT",
    "logs_endpoint": "AZURE_MONITOR_LOGS_ENDPOINT",
    "storage_connection_string": "AzureWebJobsStorage",
    "storage_account_name": "AzureWebJobsStorage__accountName",
    "further_receivers": "PULLWATCH_TEAMS_URL_<NAME>",
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
DAY_SECONDS = 86_400
Positive = Annotated[float, Meta(gt=0, le=1_000_000)]
Days = Annotated[float, Meta(gt=0, le=3650)]
Words = tuple[str, ...]
Mutes = tuple[Mute, ...]
Routes = tuple[Route, ...]


class Receiver(Value, frozen=True):
    """Whom to tell, and where."""

    name: str
    """``teams``, or ``teams:payments`` for a further one of that kind."""
    url: Secret
    key: Secret = NO_SECRET
    """Signing key of a webhook."""

    @property
    def kind(self) -> str:
        return kind_of(self.name)


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
    further_receivers: Annotated[
        tuple[Receiver, ...],
        Meta(description="A further Teams receiver, `teams:name` in routes; so too `PULLWATCH_SLACK_URL_<NAME>`, `PULLWATCH_WEBHOOK_URL_<NAME>` "
                         "(with `PULLWATCH_WEBHOOK_SECRET_<NAME>`) and `PULLWATCH_EVENTGRID_ENDPOINT_<NAME>`."),
    ] = ()
    routes: Annotated[
        Routes, Meta(description="Which receivers are told about what, a JSON list ([receivers.md](receivers.md)); empty: all are told everything.")
    ] = ()
    mutes: Annotated[
        Mutes, Meta(description="Times in which nobody is told, a JSON list ([receivers.md](receivers.md)); what is still open afterwards is told then.")
    ] = ()
    group_wait_seconds: Annotated[
        float, Meta(ge=0, le=DAY_SECONDS, description="Seconds that the first news of a cluster waits for others, so that one message tells them all.")
    ] = 30
    group_interval_seconds: Annotated[
        float, Meta(ge=0, le=DAY_SECONDS, description="Seconds between two messages about one cluster; a new critical incident does not wait for them.")
    ] = 300
    repeat_interval_hours: Annotated[Positive, Meta(description="Hours after which incidents that are still open are told again.")] = 4
    teams_charts: Annotated[
        bool, Meta(description="Draw the deciding metric as a chart in Teams; clients that cannot show the line of text instead.")
    ] = False
    slack_color_bar: Annotated[
        bool, Meta(description="Put Slack messages beside a coloured bar (Slack calls this form legacy, and folds long messages in it).")
    ] = False
    webhook_format: Annotated[
        Literal["cloudevents", "azure-common-alert"],
        Meta(description="Body of the webhook: a CloudEvent, or the shape of Azure Monitor's common alert schema."),
    ] = "cloudevents"
    digest_schedule: Annotated[
        str, Meta(description="NCRONTAB schedule (UTC) of the weekly summary; `off` or an empty value switches it off.")
    ] = "0 0 7 * * Mon"
    public_url: Annotated[
        str, Meta(description="Base URL of this app, `https://….azurewebsites.net`: where report links lead. Empty: messages hold no report link.")
    ] = ""
    link_secret: Annotated[
        Secret, Meta(description="Key that signs report links, at least 16 random characters; a new one makes all old links invalid.")
    ] = NO_SECRET
    link_hours: Annotated[Positive, Meta(description="Hours for which a report link opens its page.")] = 168

    # what is watched
    subscriptions: Annotated[
        Words, Meta(description="Subscription ids to look in, comma-separated; empty: every one the identity can read.")
    ] = ()
    clusters: Annotated[
        Words, Meta(description="Cluster names or ids to watch, comma-separated; empty: all.")
    ] = ()
    cluster_tags: Annotated[
        Words, Meta(description="Watch only clusters that have one of these tags: `name` or `name=value`, comma-separated; empty: all.")
    ] = ()
    exclude_subscriptions: Annotated[Words, Meta(description="Subscription ids whose clusters are not watched, comma-separated.")] = ()
    exclude_clusters: Annotated[Words, Meta(description="Cluster names or ids that are not watched, comma-separated.")] = ()
    exclude_cluster_tags: Annotated[
        Words, Meta(description="Clusters with one of these tags are not watched: `name` or `name=value`, comma-separated.")
    ] = ()
    sweep_schedule: Annotated[
        str, Meta(description="NCRONTAB schedule (UTC) of the fleet screening.")
    ] = "0 */5 * * * *"
    screen_minutes: Annotated[
        float, Meta(ge=1, le=60, description="Minutes that one screening looks at: at least the time between two of them.")
    ] = 6
    tidy_schedule: Annotated[str, Meta(description="NCRONTAB schedule (UTC) of the housekeeping.")] = "30 */2 * * * *"
    window_minutes: Annotated[Positive, Meta(description="Minutes looked at when no operation is open.")] = 30
    baseline_hours: Annotated[Positive, Meta(description="Hours before the window that say what is usual.")] = 24
    metrics_lag_seconds: Annotated[
        float, Meta(ge=0, le=DAY_SECONDS, description="Seconds that Azure Monitor needs until a minute is complete; a final assessment waits so long.")
    ] = 180
    watch_interval_seconds: Annotated[
        float, Meta(gt=0, le=DAY_SECONDS, description="Seconds between assessments while an operation is open.")
    ] = 90
    operation_timeout_minutes: Annotated[
        Positive, Meta(description="Minutes without any sign of life after which an open operation is closed.")
    ] = 120
    scale_out_minutes: Annotated[
        Positive, Meta(description="Minutes a scale-out is watched: Azure sends no event when it ends.")
    ] = 20
    calm_checks: Annotated[
        int, Meta(ge=1, le=100, description="Healthy assessments in a row that resolve an incident.")
    ] = 2
    azure_budget_seconds: Annotated[
        Positive, Meta(description="Total time one assessment may spend on reading Azure.")
    ] = 120
    keep_delivered_days: Annotated[
        Days, Meta(description="Days that delivered messages stay in the ledger, and unused events on record.")
    ] = 14
    keep_days: Annotated[
        Days, Meta(description="Days that parked deliveries, saved Cases, notices and the history for the digest are kept.")
    ] = 90

    # how it is judged
    slow_pull_seconds: Annotated[Positive, Meta(description="A pull this long is slow.")] = 60
    slow_factor: Annotated[
        float, Meta(ge=1, le=1_000_000, description="A pull this many times the pool's usual p95 is slow, from `PULLWATCH_SLOW_FLOOR_SECONDS` on.")
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
        """The names of all receivers that have an address, in the order they are told."""
        first = tuple(kind for kind in KINDS if self._first(kind).url)
        return first + tuple(receiver.name for receiver in self.further_receivers)

    def receiver(self, name: str) -> Receiver:
        """Whom a name means. Raises ``Misconfigured`` where it has no address."""
        kind, _, label = name.partition(":")
        if kind not in KINDS:
            raise Misconfigured(f"There is no receiver of kind {kind!r}: use {', '.join(KINDS[:-1])} or {KINDS[-1]}.")
        known = [one for one in (self._first(kind), *self.further_receivers) if one.name == name and one.url]
        if not known:
            raise Misconfigured(f"{address_name(kind, label)} is not set.")
        return known[0]

    def _first(self, kind: str) -> Receiver:
        if kind == "eventgrid":
            return Receiver(kind, Secret(self.eventgrid_endpoint))
        return Receiver(kind, getattr(self, f"{kind}_url"), self.webhook_secret if kind == "webhook" else NO_SECRET)


def address_name(kind: str, label: str = "") -> str:
    """The environment variable that holds a receiver's address: ``PULLWATCH_TEAMS_URL_PAYMENTS``."""
    field = env_name("eventgrid_endpoint" if kind == "eventgrid" else f"{kind}_url")
    return f"{field}_{label.upper()}" if label else field


def env_name(field: str) -> str:
    """The environment variable of a settings field."""
    return FOREIGN.get(field, PREFIX + field.upper())


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings in ``environ``. Raises ``Misconfigured`` with one sentence naming the variable."""
    for field in Settings.__struct_fields__:
        check_resolved(env_name(field), environ.get(env_name(field), ""))
    raw = {f.name: _raw(f.type, environ[env_name(f.name)]) for f in msgspec.structs.fields(Settings)
           if f.name not in _RULES and environ.get(env_name(f.name), "").strip()}
    try:
        settings = msgspec.convert(raw, Settings, strict=False, dec_hook=_decode_secret)
    except msgspec.ValidationError as error:
        raise Misconfigured(_explain(str(error), environ)) from None
    _check_texts(settings)
    rules = {field: _rules(field, environ.get(env_name(field), "").strip()) for field in _RULES}
    complete = msgspec.structs.replace(settings, further_receivers=_further_receivers(environ, settings.webhook_secret), **rules)
    _check_rules(complete)
    return complete


def _raw(kind: Any, text: str) -> Any:
    if getattr(kind, "__origin__", kind) == Words:
        return [word.strip() for word in text.split(",") if word.strip()]
    return text.strip()


_RULES: dict[str, Any] = {"mutes": Mutes, "routes": Routes}
"""Settings that hold a JSON list."""


def _rules(field: str, text: str) -> Any:
    """Raises ``Misconfigured`` naming the entry or the byte at fault."""
    try:
        return msgspec.json.decode(text or "[]", type=_RULES[field])
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `")
        position = where.removesuffix("`").removeprefix("$")
        raise Misconfigured(f"{env_name(field)}{position}: {_within_sentence(what)}.") from None
    except msgspec.DecodeError as error:
        raise Misconfigured(f"{env_name(field)} must be a JSON list: {_within_sentence(str(error))}.") from None


def _further_receivers(environ: Mapping[str, str], common_key: Secret) -> tuple[Receiver, ...]:
    """Receivers beyond the first of each kind, from variables like ``PULLWATCH_TEAMS_URL_PAYMENTS``."""
    found = []
    for kind in KINDS:
        prefix = address_name(kind) + "_"
        for name in sorted(n for n in environ if n.startswith(prefix) and environ[n].strip()):
            label = name.removeprefix(prefix)
            if not re.fullmatch(r"[A-Z0-9_]+", label):
                raise Misconfigured(f"{name} must end in a name of capitals, digits and _, such as {prefix}PAYMENTS.")
            check_resolved(name, environ[name])
            check_url(name, environ[name].strip())
            key = _key_of(label, environ, common_key) if kind == "webhook" else NO_SECRET
            found.append(Receiver(f"{kind}:{label.lower()}", Secret(environ[name]), key))
    return tuple(found)


def _key_of(label: str, environ: Mapping[str, str], common_key: Secret) -> Secret:
    """The signing key of a further webhook: its own, or the first one's."""
    name = f"{env_name('webhook_secret')}_{label}"
    own = Secret(environ.get(name, ""))
    check_resolved(name, own.reveal())
    signing_keys(name, own.reveal())
    if not (own or common_key):
        raise Misconfigured(f"{name} is missing: a webhook is always signed.")
    return own or common_key


def _decode_secret(kind: type, value: Any) -> Any:
    if kind is Secret:
        return Secret(str(value))
    raise NotImplementedError(kind)


def _explain(problem: str, environ: Mapping[str, str]) -> str:
    """``Expected `float` > 0 - at `$.queue_depth` `` → a sentence about PULLWATCH_QUEUE_DEPTH."""
    what, _, where = problem.partition(" - at `$.")
    name = env_name(re.split(r"[^a-z0-9_]", where)[0])
    return f"{name} is {environ.get(name, '')!r}: {_within_sentence(what)}."


def _within_sentence(text: str) -> str:
    """``Expected …`` → ``expected …``; ``JSON is …`` stays."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _check_rules(settings: Settings) -> None:
    for number, mute in enumerate(settings.mutes):
        if problem := problem_of(mute):
            raise Misconfigured(f"{env_name('mutes')}[{number}]: {problem}.")
    for number, route in enumerate(settings.routes):
        if route.receiver not in settings.receivers:
            kind, _, label = route.receiver.partition(":")
            raise Misconfigured(f"{env_name('routes')}[{number}] names {route.receiver}, which has no address: set {address_name(kind, label)}.")


def _check_texts(settings: Settings) -> None:
    for field in ("teams_url", "slack_url", "webhook_url"):
        check_url(env_name(field), getattr(settings, field).reveal())
    for field in ("runbook_url", "eventgrid_endpoint", "public_url", "resource_manager_endpoint", "metrics_endpoint", "logs_endpoint"):
        check_url(env_name(field), getattr(settings, field))
    for field in ("sweep_schedule", "tidy_schedule", "digest_schedule"):
        if not (field == "digest_schedule" and getattr(settings, field).lower() == "off"):
            check_schedule(env_name(field), getattr(settings, field))
    check_account_name(env_name("storage_account_name"), settings.storage_account_name)
    check_link_secret(env_name("link_secret"), settings.link_secret.reveal())
    signing_keys(env_name("webhook_secret"), settings.webhook_secret.reveal())
    if settings.webhook_url and not settings.webhook_secret:
        raise Misconfigured(f"{env_name('webhook_secret')} is missing: a webhook is always signed; set it to whsec_ and 24 to 64 random bytes in base64.")
