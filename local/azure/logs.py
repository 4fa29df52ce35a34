"""Log Analytics: queries over a resource's or a workspace's logs."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from local.azure.http import Answer, RefusedError, Request, logs_error, read_json
from local.azure.inventory import Inventory
from local.azure.kql import Columns, KqlError, KqlTables, Result, require_exact_names
from local.azure.log_reference import LOG_TABLES
from local.azure.times import clock_text, iso_exact, parse_timespan
from shared.azure_ids import id_key

WORKSPACE_TYPE = "Microsoft.OperationalInsights/workspaces"


class Logs:
    """All log tables Azure documents for clusters and registries, filled with a world's rows."""

    def __init__(self, tables: Mapping[str, Sequence[Mapping[str, Any]]], lag_seconds: float) -> None:
        self._lag = timedelta(seconds=lag_seconds)
        self._tables = KqlTables()
        unknown = tables.keys() - LOG_TABLES.keys()
        if unknown:
            raise ValueError(f"There is no log table {', '.join(sorted(unknown))} here.")
        for table, columns in LOG_TABLES.items():
            rows = [{"Type": table, **row} for row in tables.get(table, ())]
            self._tables.create(table, dict(column.split(":") for column in columns.split()), rows)

    def query(self, body: Mapping[str, Any], scope: str, now: datetime) -> dict[str, Any]:
        """The answer's body. ``scope``: id whose rows are seen, with all below it; empty: every row.
        Raises ``RefusedError``."""
        kql = body.get("query")
        if not isinstance(kql, str) or not kql.strip():
            raise _bad_argument("BadArgumentError", "The query is required.")
        condition = self._condition(body.get("timespan"), scope, now)
        try:
            require_exact_names(kql, self._tables.columns)
            result = self._tables.run(kql, dict.fromkeys(self._tables.columns, condition), now)
        except KqlError as error:
            raise _refused(error) from None
        return {"tables": [_table(result)]}

    def close(self) -> None:
        self._tables.close()

    def _condition(self, timespan: str | None, scope: str, now: datetime) -> str:
        """SQL for what the query may see: what has arrived, is in the timespan, and belongs to the scope."""
        conditions = [f"TimeGenerated <= {_sql_time(now - self._lag)}"]
        if timespan:
            try:
                start, end = parse_timespan(timespan, now)
            except ValueError as error:
                raise _bad_argument("BadArgumentError", f"The timespan is invalid: {error}") from None
            conditions.append(f"TimeGenerated BETWEEN {_sql_time(start)} AND {_sql_time(end)}")
        if scope:
            key = id_key(scope).replace("'", "''")
            conditions.append(f"(lower(_ResourceId) = '{key}' OR starts_with(lower(_ResourceId), '{key}/'))")
        return " AND ".join(conditions)


def query_resource(inventory: Inventory, logs: Logs, now: datetime, request: Request) -> Answer:
    """``POST /v1/{resource id}/query``; a subscription or a resource group will do as well."""
    scope = "/" + request.path.strip("/").split("/", 1)[1].strip("/").removesuffix("/query")
    if "/providers/" in scope.lower():
        inventory.require(scope)
    return Answer(body=logs.query(read_json(request), scope, now))


def query_workspace(inventory: Inventory, logs: Logs, now: datetime, request: Request) -> Answer:
    """``POST /v1/workspaces/{workspace guid}/query``."""
    _require_workspace(inventory, request.path.rstrip("/").split("/")[-2])
    return Answer(body=logs.query(read_json(request), "", now))


def query_batch(inventory: Inventory, logs: Logs, now: datetime, request: Request) -> Answer:
    """``POST /v1/$batch``: several workspace queries, each with its own status."""
    return Answer(
        body={
            "responses": [
                {"id": each.get("id"), **_batched(inventory, logs, now, each)}
                for each in read_json(request).get("requests", [])
            ]
        }
    )


def _batched(inventory: Inventory, logs: Logs, now: datetime, item: Mapping[str, Any]) -> dict[str, Any]:
    try:
        _require_workspace(inventory, str(item.get("workspace")))
        return {"status": 200, "headers": {}, "body": logs.query(item.get("body", {}), "", now)}
    except RefusedError as refused:
        return {"status": refused.answer.status, "headers": {}, "body": refused.answer.body}


def _require_workspace(inventory: Inventory, guid: str) -> None:
    known = (
        each.get("properties", {}).get("customerId", "")
        for each in inventory
        if each["type"].lower() == WORKSPACE_TYPE.lower()
    )
    if guid.lower() not in map(str.lower, known):
        raise logs_error(404, "WorkspaceNotFoundError", f"The workspace {guid} could not be found")


def _refused(error: KqlError) -> RefusedError:
    if error.kind == "unsupported":
        return logs_error(501, "LocalAzureUnsupported", str(error))
    if error.kind == "syntax":
        place = {"line": error.line, "pos": error.position, "token": error.token}
        return _bad_argument(
            "SyntaxError",
            "A recognition error occurred in the query.",
            {"code": "SYN0002", "message": str(error), **place},
        )
    return _bad_argument("SemanticError", "A semantic error occurred.", {"code": "SEM0100", "message": str(error)})


def _bad_argument(code: str, message: str, inner: dict[str, Any] | None = None) -> RefusedError:
    innererror = {"code": code, "message": message} | ({"innererror": inner} if inner else {})
    return logs_error(400, "BadArgumentError", "The request had some invalid properties", innererror=innererror)


def _sql_time(moment: datetime) -> str:
    return f"TIMESTAMP '{moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=' ')}'"


def _table(result: Result) -> dict[str, Any]:
    columns: Columns = result.columns
    return {
        "name": "PrimaryResult",
        "columns": [{"name": name, "type": kind} for name, kind in columns.items()],
        "rows": [[_shown(value) for value in row] for row in result.rows],
    }


def _shown(value: Any) -> Any:
    """A value as the query API sends it: dynamic values are JSON in a string, numbers that JSON lacks are words."""
    if isinstance(value, datetime):
        return iso_exact(value)
    if isinstance(value, timedelta):
        return clock_text(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    return value
