"""What Athena says of a query that was started: whether it is over, how much it read, and its rows."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from clicklake.query.queries import QueryResult

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient

DOLLARS_PER_TB = 5.0  # aws.amazon.com/athena/pricing (most regions)
MIN_BILLED_BYTES = 10_000_000  # per query
UNFINISHED = ("QUEUED", "RUNNING")

_PARSERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("tinyint", "smallint", "int", "integer", "bigint"), int),
    **dict.fromkeys(("float", "real", "double", "decimal"), float),
}


class QueryExecution(NamedTuple):
    """The state of a query."""

    id: str
    state: str
    reason: str
    scanned_bytes: int
    ended_at: datetime | None

    @property
    def is_over(self) -> bool:
        return self.state not in UNFINISHED

    @property
    def has_succeeded(self) -> bool:
        return self.state == "SUCCEEDED"

    @property
    def billed_bytes(self) -> int:
        """What Athena bills. An answer that is used again has read nothing, and neither has a bad query."""
        return max(self.scanned_bytes, MIN_BILLED_BYTES) if self.scanned_bytes else 0


def parse_execution(described: Mapping[str, Any]) -> QueryExecution:
    """Return the execution of an answer of GetQueryExecution or BatchGetQueryExecution."""
    status = described["Status"]
    return QueryExecution(
        described["QueryExecutionId"],
        status["State"],
        status.get("StateChangeReason") or status["State"],
        int(described.get("Statistics", {}).get("DataScannedInBytes", 0)),
        status.get("CompletionDateTime"),
    )


def get_execution(athena: "AthenaClient", query_id: str) -> QueryExecution:
    return parse_execution(athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"])


def read_rows(athena: "AthenaClient", query_id: str) -> QueryResult:
    """Return the rows of a query that has succeeded."""
    pages = [*athena.get_paginator("get_query_results").paginate(QueryExecutionId=query_id)]
    columns = pages[0]["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    parsers = [_PARSERS.get(column["Type"], str) for column in columns]
    _names, *rows = [row["Data"] for page in pages for row in page["ResultSet"]["Rows"]]
    parsed = [tuple(_parse(cell, parser) for cell, parser in zip(row, parsers, strict=True)) for row in rows]
    return QueryResult(tuple(column["Name"].lower() for column in columns), parsed)


def _parse(cell: Mapping[str, str], parser: Callable[[str], Any]) -> Any:
    text = cell.get("VarCharValue")
    return None if text is None else parser(text)
