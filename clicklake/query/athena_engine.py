"""Questions answered by Athena over the stack's Glue table: for lakes that one machine should not read."""

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from sqlglot import exp

from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.old_lines import item_lookup_sql
from clicklake.lake.partitions import HOUR, Span, hours_between
from clicklake.query import duckdb_engine
from clicklake.query.queries import (
    DIALECT,
    Answer,
    Answers,
    Questions,
    asked_columns,
    asked_tables,
    tables_sql,
)
from clicklake.query.schema import PARTITIONS, Table, clicks_table

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient

AT_ONCE = 5  # queries; an account may have 20: docs.aws.amazon.com/athena/latest/ug/service-limits.html
POLL_SECONDS = 0.25
DOLLARS_PER_TB = 5.0  # aws.amazon.com/athena/pricing (most regions)
LEAST_BYTES = 10_000_000  # billed for each query, at least

_PARSERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("tinyint", "smallint", "int", "integer", "bigint"), int),
    **dict.fromkeys(("float", "real", "double", "decimal"), float),
}


class _Ran(NamedTuple):
    answer: Answer
    scanned_bytes: int


def ask(lake: Lake, span: Span, questions: Questions) -> Answers:
    """Raise CommandError for SQL that Athena refuses, or that would scan more than the work group allows."""
    if "AthenaWorkGroupName" not in lake.outputs:
        raise CommandError("Athena asks the table of a stack: name its --stage, not the --bucket")
    athena, table = boto3.client("athena"), clicks_table(lake)
    group = lake.outputs["AthenaWorkGroupName"]

    def run(question: exp.Query) -> _Ran:
        begun = athena.start_query_execution(QueryString=to_athena(question, table, span), WorkGroup=group)
        return _result(athena, begun["QueryExecutionId"])

    ours = {name: each for name, each in questions.items() if "failed" not in asked_tables([each])}
    with ThreadPoolExecutor(AT_ONCE) as threads:
        ran = dict(zip(ours, threads.map(run, ours.values()), strict=True))
    # Of error documents there are few, and Glue has no table of them.
    failed = duckdb_engine.ask(
        lake, span, {name: each for name, each in questions.items() if name not in ours}
    )
    answers = {name: each.answer for name, each in ran.items()} | failed.by_name
    return Answers(answers, (*failed.notes, _cost(ran.values())))


def to_athena(question: exp.Query, table: Table, span: Span) -> str:
    """The question with the tables that it may ask before it."""
    first, *_, last = hours_between(span.since, span.until + HOUR)
    # The days name the partitions to read; the hours then cut the first and the last day.
    days = f"dt between '{first:%Y-%m-%d}' and '{last:%Y-%m-%d}'"
    ends = f"(dt > '{first:%Y-%m-%d}' or hr >= {first.hour}) and (dt < '{last:%Y-%m-%d}' or hr < {last.hour})"
    made = {"lines": f"{_select(question, table)} where {days} and {ends}"}
    made |= {name: each.sql(DIALECT) for name, each in tables_sql().items()}
    made |= {each.alias: each.this.sql(DIALECT) for each in question.ctes}
    asked = question.copy()
    asked.set("with_", None)
    return f"with {', '.join(f'{name} as ({sql})' for name, sql in made.items())} {asked.sql(DIALECT)}"


def _select(question: exp.Query, table: Table) -> str:
    columns = asked_columns([question], table.columns | PARTITIONS)
    known = table.glue_columns | PARTITIONS.keys()
    read = {name: name if name in known else "cast(null as varchar)" for name in table.columns | PARTITIONS}
    selected = [name if read[name] == name else f"{read[name]} as {name}" for name in columns]
    if "itemlookup" in columns:
        lookup = item_lookup_sql(read["itemlookup"], read["enrichment"])
        selected[columns.index("itemlookup")] = f"{lookup} as itemlookup"
    return f"select {', '.join(selected)} from {table.glue_name}"  # noqa: S608 (names of our own table)


def _result(athena: "AthenaClient", query: str) -> _Ran:
    while True:
        told = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        if told["Status"]["State"] not in ("QUEUED", "RUNNING"):
            break
        time.sleep(POLL_SECONDS)
    if told["Status"]["State"] != "SUCCEEDED":
        raise CommandError(f"Athena: {told['Status'].get('StateChangeReason') or told['Status']['State']}")
    pages = [*athena.get_paginator("get_query_results").paginate(QueryExecutionId=query)]
    columns = pages[0]["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    parsers = [_PARSERS.get(column["Type"], str) for column in columns]
    _names, *rows = [row["Data"] for page in pages for row in page["ResultSet"]["Rows"]]
    parsed = [tuple(_parse(cell, parser) for cell, parser in zip(row, parsers, strict=True)) for row in rows]
    answer = Answer(tuple(column["Name"].lower() for column in columns), parsed)
    return _Ran(answer, told["Statistics"]["DataScannedInBytes"])


def _parse(cell: Mapping[str, str], parser: Callable[[str], Any]) -> Any:
    text = cell.get("VarCharValue")
    return None if text is None else parser(text)


def _cost(ran: Collection[_Ran]) -> str:
    scanned = sum(each.scanned_bytes for each in ran)
    billed = sum(max(each.scanned_bytes, LEAST_BYTES) for each in ran)
    return f"Athena read {scanned / 1e9:,.3f} GB, for about ${billed / 1e12 * DOLLARS_PER_TB:,.4f}"
