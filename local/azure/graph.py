"""Azure Resource Graph: the caller's KQL over all resources of its subscriptions."""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from local.azure.arm import require_api_version
from local.azure.http import Answer, RefusedError, Request, arm_error, read_json
from local.azure.inventory import Inventory, Resource, resource_type
from local.azure.kql import KqlError, KqlTables, Result, masked
from local.azure.times import clock_text, iso_exact
from local.azure.tokens import TENANT_ID
from shared.azure_ids import segment

MOST_ROWS = 1000
COLUMNS = {
    "id": "string",
    "name": "string",
    "type": "string",
    "tenantId": "string",
    "kind": "string",
    "location": "string",
    "resourceGroup": "string",
    "subscriptionId": "string",
    "managedBy": "string",
    "sku": "dynamic",
    "plan": "dynamic",
    "properties": "dynamic",
    "tags": "dynamic",
    "identity": "dynamic",
    "zones": "dynamic",
    "extendedLocation": "dynamic",
}
_TABLE = re.compile(r"\b(resources|resourcecontainers|authorizationresources)\b(?=\s*(?:[|);,]|$))", re.IGNORECASE)


class Graph:
    """The tables ``resources``, ``resourcecontainers`` and ``authorizationresources``."""

    def __init__(self, inventory: Inventory) -> None:
        self._tables = KqlTables()
        self._subscriptions = inventory.subscriptions
        rows = [_row(resource) for resource in inventory]
        of_rights = [row for row in rows if row["type"].startswith("microsoft.authorization/")]
        self._tables.create("resources", COLUMNS, [row for row in rows if not row["type"].startswith("microsoft.authorization/")])
        self._tables.create("authorizationresources", COLUMNS, of_rights)
        self._tables.create("resourcecontainers", COLUMNS, _containers(inventory))

    def query(self, request: Request, now: datetime) -> Answer:
        """``POST /providers/Microsoft.ResourceGraph/resources``. Raises ``RefusedError``."""
        version = require_api_version(request, "Microsoft.ResourceGraph/resources")
        body = read_json(request)
        options = body.get("options") or {}
        result = self._run(body, now)
        start, size = _page(options)
        rows = result.rows[start : start + size]
        answer: dict[str, Any] = {"totalRecords": len(result.rows), "count": len(rows)}
        as_table = options.get("resultFormat", "table" if version < "2020" else "objectArray") == "table"
        answer["data"] = _table(result, rows) if as_table else _objects(result, rows)
        answer |= {"facets": [], "resultTruncated": "false"}
        if start + size < len(result.rows):
            answer["resultTruncated"] = "true"
            # Without the id in the projection Azure cannot page: rows beyond the first page are lost.
            if "id" in result.columns:
                answer["$skipToken"] = base64.b64encode(
                    msgspec.json.encode({"skip": start + size, "top": size})
                ).decode()
        return Answer(body=answer, headers={"x-ms-resource-graph-request-duration": "0:00:00:00.0100000"})

    def close(self) -> None:
        self._tables.close()

    def _run(self, body: Mapping[str, Any], now: datetime) -> Result:
        kql = body.get("query")
        if not isinstance(kql, str) or not kql.strip():
            raise _invalid_query({"code": "EmptyQuery", "message": "The query must not be empty."})
        asked = body.get("subscriptions") or list(self._subscriptions.values())
        readable = [each.lower() for each in asked if str(each).lower() in self._subscriptions]
        if not readable:
            raise _bad_request(
                {
                    "code": "NoValidSubscriptionsInQueryRequest",
                    "message": "There must be at least one subscription that is eligible to contain resources.",
                }
            )
        listed = ", ".join("'" + each.replace("'", "''") + "'" for each in readable)
        condition = f"lower(subscriptionId) IN ({listed})"
        try:
            return self._tables.run(
                _lower_table_names(kql),
                dict.fromkeys(("resources", "resourcecontainers", "authorizationresources"), condition),
                now,
            )
        except KqlError as error:
            raise _refused(error) from None


def _lower_table_names(kql: str) -> str:
    """Resource Graph's table names, unlike Kusto's, may be spelled in any case."""
    text = kql
    for match in _TABLE.finditer(masked(kql)):
        text = text[: match.start()] + match[0].lower() + text[match.end() :]
    return text


def _row(resource: Resource) -> dict[str, Any]:
    resource_id = resource["id"]
    return {
        **{name: resource[name] for name in COLUMNS if name in resource},
        "type": resource_type(resource_id).lower(),
        "tenantId": resource.get("tenantId", TENANT_ID),
        "location": resource.get("location", "").replace(" ", "").lower(),
        "resourceGroup": segment(resource_id, "resourceGroups").lower(),
        "subscriptionId": segment(resource_id, "subscriptions"),
    }


def _containers(inventory: Inventory) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for key, subscription in inventory.subscriptions.items():
        common = {"tenantId": TENANT_ID, "subscriptionId": subscription}
        rows.append(
            common
            | {
                "id": f"/subscriptions/{subscription}",
                "name": f"Subscription {subscription[:8]}",
                "type": "microsoft.resources/subscriptions",
                "properties": {"state": "Enabled"},
            }
        )
        rows.extend(
            common
            | {
                "id": f"/subscriptions/{subscription}/resourceGroups/{group}",
                "name": group,
                "resourceGroup": group,
                "type": "microsoft.resources/subscriptions/resourcegroups",
                "location": location,
                "properties": {"provisioningState": "Succeeded"},
            }
            for group, location in inventory.groups[key].items()
        )
    return rows


def _page(options: Mapping[str, Any]) -> tuple[int, int]:
    """First row and number of rows. ``$top`` above 1000 is an error, as in Azure; a skip token keeps its page's size."""
    top = options.get("$top", options.get("top", MOST_ROWS))
    skip = options.get("$skip", options.get("skip", 0))
    if not isinstance(top, int) or not 1 <= top <= MOST_ROWS or not isinstance(skip, int) or skip < 0:
        raise _bad_request(
            {
                "code": "InvalidOptions",
                "message": f"Provided 'options' are invalid: $top must be between 1 and {MOST_ROWS}, $skip not negative.",
            }
        )
    token = options.get("$skipToken", options.get("skipToken"))
    if not token:
        return skip, top
    try:
        held = msgspec.json.decode(base64.b64decode(token, validate=True), type=dict[str, int])
        return held["skip"], options.get("$top", held["top"])
    except (binascii.Error, msgspec.DecodeError, KeyError):
        raise _bad_request({"code": "InvalidSkipToken", "message": "The skip token is invalid."}) from None


def _objects(result: Result, rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [
        {name: _shown(value, kind) for (name, kind), value in zip(result.columns.items(), row, strict=True)}
        for row in rows
    ]


def _table(result: Result, rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    kinds = {"dynamic": "object", "long": "integer", "int": "integer", "real": "number", "bool": "boolean"}
    return {
        "columns": [{"name": name, "type": kinds.get(kind, "string")} for name, kind in result.columns.items()],
        "rows": [list(each.values()) for each in _objects(result, rows)],
    }


def _shown(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "dynamic":
        return msgspec.json.decode(value) if isinstance(value, str) else value
    if isinstance(value, datetime):
        return iso_exact(value)
    if kind == "timespan":
        return clock_text(value)
    return str(value) if isinstance(value, UUID) else value


def _refused(error: KqlError) -> RefusedError:
    if error.kind == "unsupported":
        return arm_error(501, "LocalAzureUnsupported", str(error))
    if error.kind == "syntax":
        return _invalid_query(
            {
                "code": "ParserFailure",
                "message": "ParserFailure",
                "line": error.line,
                "characterPositionInLine": error.position - 1,
                "token": error.token or "<EOF>",
            }
        )
    if "table or column" in str(error):
        return _invalid_query(
            {
                "code": "DisallowedLogicalTableName",
                "message": f"Table {error.token} is invalid, unsupported or disallowed.",
                "logicalTableName": error.token,
            }
        )
    return _invalid_query({"code": "SemanticError", "message": str(error)})


def _invalid_query(detail: dict[str, Any]) -> RefusedError:
    return _bad_request(
        {
            "code": "InvalidQuery",
            "message": "Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix the error before retrying.",
        },
        detail,
    )


def _bad_request(*details: dict[str, Any]) -> RefusedError:
    message = f"Please provide below info when asking for support: timestamp = {iso_exact(datetime.now(UTC))}, correlationId = {uuid4()}."
    return arm_error(400, "BadRequest", message, details=list(details))
