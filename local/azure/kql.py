"""The caller's own KQL, run on DuckDB: tables, one query at a time, and errors named as Kusto names them."""

import re
import tempfile
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb
import duckdb_kql
import msgspec
from duckdb_kql.types import kusto_type

DUCKDB_TYPES = {
    "string": "VARCHAR",
    "datetime": "TIMESTAMP",
    "dynamic": "JSON",
    "int": "INTEGER",
    "long": "BIGINT",
    "real": "DOUBLE",
    "bool": "BOOLEAN",
    "guid": "UUID",
}
LARGEST_ROW_BYTES = 64 * 1024**2
_STRING_OR_COMMENT = re.compile(r"""//[^\n]*|@?"(?:[^"\\\n]|\\.)*"|@?'(?:[^'\\\n]|\\.)*'""")
_WORD = re.compile(r"(?<![\w.$])[A-Za-z_]\w*")

type Columns = dict[str, str]
"""Column name → Kusto type."""


class KqlError(Exception):
    """A query that cannot be run: its syntax or its names are wrong, or this machine's engine lacks something."""

    def __init__(
        self,
        kind: Literal["syntax", "semantic", "unsupported"],
        message: str,
        *,
        line: int = 1,
        position: int = 0,
        token: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.line = line
        self.position = position
        self.token = token


class Result(msgspec.Struct, frozen=True):
    columns: Columns
    rows: list[tuple[Any, ...]]
    """Strings are never None: Kusto has no null string."""


class KqlTables:
    """Tables in memory. Queries from any thread; each sees only the rows its ``narrow`` lets through."""

    def __init__(self) -> None:
        self._connection = duckdb_kql.connect()
        # Out of a query's reach by name: it sees the narrowed views, and nothing where there is none.
        self._connection.execute("CREATE SCHEMA store")
        self._lock = threading.Lock()
        self.columns: dict[str, Columns] = {}

    def create(self, table: str, columns: Columns, rows: Iterable[Mapping[str, Any]]) -> None:
        """Missing strings are empty, other missing values null. Raises ``ValueError`` for a column the table has not."""
        self.columns[table] = columns
        types = ", ".join(f'"{name}" {DUCKDB_TYPES[kind]}' for name, kind in columns.items())
        self._connection.execute(f'CREATE TABLE store."{table}" ({types})')
        lines = [_line(table, columns, row) for row in rows]
        if not lines:
            return
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "rows.ndjson")
            file.write_bytes(b"\n".join(lines))
            layout = ", ".join(f"'{name}': '{DUCKDB_TYPES[kind]}'" for name, kind in columns.items())
            self._connection.execute(
                f'INSERT INTO store."{table}" SELECT * FROM read_json('
                f"'{file}', format='newline_delimited', columns={{{layout}}}, maximum_object_size={LARGEST_ROW_BYTES})"
            )

    def run(self, kql: str, narrow: Mapping[str, str], now: datetime) -> Result:
        """The result of ``kql`` at the moment ``now``. ``narrow``: table → SQL condition. Raises ``KqlError``."""
        if kql.lstrip().startswith("."):
            # Management commands belong to Kusto clusters; the query services do not parse them.
            raise KqlError("syntax", "Query could not be parsed at '.' on line [1,1]", position=1, token=".")
        cursor = self._connection.cursor()
        try:
            for table in set(words(kql)) & narrow.keys():
                cursor.execute(f'CREATE TEMP VIEW "{table}" AS SELECT * FROM store."{table}" WHERE {narrow[table]}')
            with self._lock:  # the parser keeps state of its own between queries
                relation = duckdb_kql.query(cursor, kql, query_now=now, allow_write=False)
            columns = {name: kusto_type(kind) for name, kind in zip(relation.columns, relation.types, strict=True)}
            texts = [kind == "string" for kind in columns.values()]
            rows = [
                tuple("" if value is None and text else value for value, text in zip(row, texts, strict=True))
                for row in relation.fetchall()
            ]
        except (duckdb_kql.KqlError, duckdb.Error) as error:
            raise _explained(error, kql) from None
        finally:
            cursor.close()
        return Result(columns, rows)

    def close(self) -> None:
        self._connection.close()


def words(kql: str) -> list[str]:
    """Names in a query, in order: neither text in quotes or comments, nor what stands behind a dot."""
    return _WORD.findall(masked(kql))


def masked(kql: str) -> str:
    """The query with texts and comments blanked out, every other character at its place."""
    return _STRING_OR_COMMENT.sub(lambda match: " " * len(match[0]), kql)


def require_exact_names(kql: str, tables: Mapping[str, Columns]) -> None:
    """Raises ``KqlError`` for a table or column in the wrong case: KQL tells case apart, DuckDB does not."""
    text = masked(kql)
    used = words(kql)
    proper = {table.lower(): table for table in tables}
    for word in used:
        if word not in tables and word.lower() in proper and not _defined(word, text):
            raise unresolved_table(word)
    columns = {name for table in set(used) & tables.keys() for name in tables[table]}
    lowered = {name.lower() for name in columns}
    for word in used:
        if word not in columns and word.lower() in lowered and not _defined(word, text):
            raise unresolved_column(word)


def unresolved_table(name: str) -> KqlError:
    return KqlError("semantic", f"Failed to resolve table or column expression named '{name}'", token=name)


def unresolved_column(name: str) -> KqlError:
    return KqlError("semantic", f"Failed to resolve scalar expression named '{name}'", token=name)


def _defined(word: str, text: str) -> bool:
    """Whether the query itself gives the word a meaning, or uses it as an operator or a function."""
    return bool(re.search(rf"\b{word}\s*(=(?![=~])|\(|:)|\|\s*{word}\b|\b(as|by|kind)\s+{word}\b", text))


def _line(table: str, columns: Columns, row: Mapping[str, Any]) -> bytes:
    unknown = row.keys() - columns.keys()
    if unknown:
        raise ValueError(f"The table {table} has no column {', '.join(sorted(unknown))}.")
    return msgspec.json.encode({name: _stored(row.get(name), kind) for name, kind in columns.items()})


def _stored(value: Any, kind: str) -> Any:
    if kind == "string":
        return "" if value is None else str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def _explained(error: Exception, kql: str) -> KqlError:
    if isinstance(error, duckdb_kql.KqlSyntaxError):
        return _syntax_error(error, kql)
    if isinstance(error, duckdb_kql.KqlUnsupportedError) or "differ only in case" in str(error):
        return KqlError("unsupported", f"The local engine cannot run this query, though Azure may: {error}")
    text = str(error)
    table = re.search(r"Table with name \"?(\w+)\"? does not exist", text)
    column = re.search(
        r"Referenced (?:column|table) \"([^\"]+)\" not found|does not have a column named \"([^\"]+)\"", text
    )
    if table:
        return unresolved_table(table[1])
    if column:
        return unresolved_column(column[1] or column[2])
    return KqlError("semantic", text.splitlines()[0])


def _syntax_error(error: duckdb_kql.KqlSyntaxError, kql: str) -> KqlError:
    if not error.diagnostics:
        return KqlError("syntax", str(error))
    span = error.diagnostics[0].span
    lines = kql.splitlines() or [""]
    rest = lines[min(span.line, len(lines)) - 1][span.column :]
    token = (re.match(r"\w+|\S|", rest) or [""])[0]
    return KqlError(
        "syntax",
        f"Query could not be parsed at '{token}' on line [{span.line},{span.column + 1}]",
        line=span.line,
        position=span.column + 1,
        token=token,
    )
