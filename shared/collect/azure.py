"""The one place that talks to Azure's read interfaces: five questions, five methods.

Every method raises the errors of ``shared.errors`` only, says what was asked, and gives up within the
settings' budget. The SDKs are imported on first use: a function that never asks pays nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any

from shared.collect import metric_batch
from shared.collect.clouds import cloud
from shared.collect.graph_quota import GraphQuota
from shared.collect.metric_batch import RawSeries
from shared.collect.sign_in import OneSignIn
from shared.errors import Permanent, PullwatchError, Throttled, Transient
from shared.model import Window
from shared.settings import Settings
from shared.telemetry import count, span

Row = dict[str, Any]
THROTTLED_STATUS = (429, 529)  # 529: the metrics back end's way of saying 429
DEFAULT_RETRY_AFTER_SECONDS = 30.0


class NotFound(Permanent):
    """A resource that was asked about does not exist (any more)."""


class Denied(Permanent):
    """The identity may not read what was asked about."""


class Azure:
    """Read access with one identity. Clients are built on first use and kept."""

    def __init__(self, settings: Settings, credential: Any) -> None:
        self._settings = settings
        self._credential = credential
        self._cloud = cloud(settings)
        self._metrics_clients: dict[str, Any] = {}
        self._compute_clients: dict[str, Any] = {}
        self._skus: dict[tuple[str, str], list[Row]] = {}
        self._graph_quota = GraphQuota()

    # --- the five questions ---

    def graph(self, kql: str, subscriptions: Sequence[str] = ()) -> list[Row]:
        """All rows of a Resource Graph query over these subscriptions, or all that are watched, page by page."""
        from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions

        rows: list[Row] = []
        scope = list(subscriptions or self._settings.subscriptions) or None
        skip_token = None
        with _errors("graph", "Azure Resource Graph"):
            while True:
                self._graph_quota.wait(self._settings.azure_budget_seconds)
                options = QueryRequestOptions(top=1000, skip_token=skip_token, result_format="objectArray")
                page = self._graph_client.resources(QueryRequest(query=kql, subscriptions=scope, options=options))
                rows += page.data
                skip_token = page.skip_token
                if not skip_token:
                    return rows

    def skus(self, subscription_id: str, location: str) -> list[Row]:
        """Compute resource SKUs of a location: ``{type, name, size, capabilities{name: text}}``. Kept."""
        key = (subscription_id, location.lower())
        if key not in self._skus:
            with _errors("skus", "the Compute resource SKUs"):
                rows = self._compute(subscription_id).resource_skus.list(filter=f"location eq '{key[1]}'")
                self._skus[key] = [sku_row(sku) for sku in rows if sku["resourceType"] in ("virtualMachines", "disks")]
        return self._skus[key]

    def scale_set(self, vmss_id: str) -> Row:
        """The scale set's own model, fresh: Resource Graph lags behind a scale or an upgrade."""
        from shared.azure_ids import segment

        group, name = segment(vmss_id, "resourceGroups"), segment(vmss_id, "virtualMachineScaleSets")
        with _errors("scale_set", f"the scale set {name}"):
            found = self._compute(segment(vmss_id, "subscriptions")).virtual_machine_scale_sets.get(group, name)
            return dict(found.as_dict())

    def metrics(self, location: str, resource_ids: Sequence[str], namespace: str, names: Sequence[str],
                window: Window, *, split_by: str = "", top: int | None = None, retry: bool = True) -> list[RawSeries]:
        """Minute values through the batch interface: at most 50 resources of one region and type, 20 names.

        ``split_by`` (dimensions, comma-separated) gives one series per value; without it Azure averages over them.
        ``retry=False`` leaves it to the caller to ask again after a failure. Raises ``NotFound`` if one of the
        resources is gone.
        """
        question = metric_batch.request(resource_ids, namespace, names, window, split_by, top)
        with _errors("metrics", "Azure Monitor metrics"):
            answer = self._metrics(location).send_request(question, stream=True, **({} if retry else {"retry_total": 0}))
            _raise_for(answer)
            return metric_batch.read(answer.read())

    def logs(self, resource_id: str, kql: str, window: Window) -> list[Row]:
        """Rows of a query over the logs of one resource, wherever its workspace is."""
        from azure.monitor.query import LogsQueryPartialResult

        with _errors("logs", "Log Analytics"):
            result = self._logs_client.query_resource(resource_id, kql, timespan=(window.start, window.end))
        if isinstance(result, LogsQueryPartialResult):
            raise Transient("Log Analytics gave only part of the answer; ask again, or for a shorter window.")
        return [{column: _storable(value) for column, value in zip(table.columns, row, strict=True)}
                for table in result.tables for row in table.rows]

    # --- clients, built once ---

    def _options(self, service: str) -> Row:
        """Limits of every client: a stuck service must not eat the function's time. Every answer is counted, retried ones too."""
        return {
            "raw_response_hook": partial(self._note, service),
            "connection_timeout": 5, "read_timeout": min(30.0, self._settings.azure_budget_seconds / 2), "retry_total": 4, "retry_backoff_max": 10,
            "timeout": self._settings.azure_budget_seconds / 2,
        }

    def _note(self, service: str, answer: Any) -> None:
        if service == "metrics":
            answer.http_response.read()  # unread, an answer that is tried again would keep its connection
        status = answer.http_response.status_code
        count("azure.requests", service=service, status=status)
        if status in THROTTLED_STATUS:
            count("azure.throttles", service=service)
        if service == "graph":
            self._graph_quota.note(answer.http_response.headers)

    @property
    def _resource_manager(self) -> str:
        return (self._settings.resource_manager_endpoint or self._cloud.resource_manager).rstrip("/")

    @property
    def _resource_manager_scopes(self) -> list[str]:
        return [f"{self._cloud.resource_manager}/.default"]

    @cached_property
    def _graph_client(self) -> Any:
        from azure.mgmt.resourcegraph import ResourceGraphClient

        return ResourceGraphClient(self._credential, base_url=self._resource_manager,
                                   credential_scopes=self._resource_manager_scopes, **self._options("graph"))

    @cached_property
    def _logs_client(self) -> Any:
        from azure.monitor.query import LogsQueryClient

        endpoint = self._settings.logs_endpoint or self._cloud.logs
        return LogsQueryClient(self._credential, endpoint=endpoint, audience=self._cloud.logs, **self._options("logs"))

    def _compute(self, subscription_id: str) -> Any:
        from azure.mgmt.compute import ComputeManagementClient

        if subscription_id not in self._compute_clients:
            self._compute_clients[subscription_id] = ComputeManagementClient(
                self._credential, subscription_id, base_url=self._resource_manager,
                credential_scopes=self._resource_manager_scopes, **self._options("compute"))
        return self._compute_clients[subscription_id]

    def _metrics(self, location: str) -> Any:
        from azure.monitor.querymetrics import MetricsClient

        if location not in self._metrics_clients:
            template = self._settings.metrics_endpoint or self._cloud.metrics
            self._metrics_clients[location] = MetricsClient(
                template.replace("{region}", location), self._credential,
                audience=self._cloud.metrics_audience, **self._options("metrics"))
        return self._metrics_clients[location]


def credential(settings: Settings) -> Any:
    """Managed identity in Azure, the developer's own login at a terminal."""
    from azure.identity import DefaultAzureCredential

    return OneSignIn(DefaultAzureCredential(
        authority=cloud(settings).authority,
        managed_identity_client_id=settings.azure_client_id or None,
        exclude_interactive_browser_credential=True,
    ))


def utc(moment: datetime) -> datetime:
    """A time from a log row, in UTC: Azure's times are UTC whether they say so or not."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _storable(value: Any) -> Any:
    """A pod or image name may come as half a surrogate pair, which no JSON of ours could hold."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def sku_row(sku: Mapping[str, Any]) -> Row:
    """Read by its names on the wire: as attributes each of the 50,000 values of a region would be decoded a second time."""
    return {
        "type": sku["resourceType"], "name": sku["name"], "size": sku.get("size"),
        "capabilities": {c["name"]: c["value"] for c in sku.get("capabilities") or ()},
        "restricted": any(r["type"] == "Location" for r in sku.get("restrictions") or ()),
    }


@contextmanager
def _errors(question: str, what: str) -> Iterator[None]:
    """Azure's errors as ours, within a span. Azure's own words are kept short, and only where they name no caller."""
    from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

    try:
        with span("azure", question=question):
            yield
    except ClientAuthenticationError as error:
        raise Permanent(f"{what}: sign-in failed; run `az login`, or give the function app an identity.") from error
    except HttpResponseError as error:
        raise _from_status(what, error) from error
    except AzureError as error:
        raise Transient(f"{what} did not answer ({type(error).__name__}); ask again later.") from error


def _raise_for(answer: Any) -> None:
    """What the SDK's own methods raise for an answer that is none."""
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

    if answer.status_code != 200:
        raise (ClientAuthenticationError if answer.status_code == 401 else HttpResponseError)(response=answer)


def _from_status(what: str, error: Any) -> PullwatchError:
    status = error.status_code or 0
    if status in THROTTLED_STATUS:
        return Throttled(f"{what} is throttling this identity; it asks to wait.", _retry_after_seconds(error))
    if status == 403:
        return Denied(f"{what}: access denied; the identity lacks a reader role (docs/security.md lists them).")
    if status == 404:
        return NotFound(f"{what}: not found.")
    if 400 <= status < 500:
        return Permanent(f"{what} refused the request ({status}): {_first_line(error.message)}")
    return Transient(f"{what} failed with {status or 'no answer'}; ask again later.")


def _retry_after_seconds(error: Any) -> float:
    headers = error.response.headers if error.response is not None else {}
    try:
        return max(0.0, float(headers.get("Retry-After", "")))
    except ValueError:
        return DEFAULT_RETRY_AFTER_SECONDS


def _first_line(message: str) -> str:
    lines = str(message).strip().splitlines()
    return lines[0][:500] if lines else ""

