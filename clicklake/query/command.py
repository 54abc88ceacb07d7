"""`query`: run one's own SQL, or a saved query by its name."""

import csv
import sys
from typing import Any

import click
from rich.table import Table

from clicklake.cli.console import ERR, OUT
from clicklake.cli.options import lake_options, span_options
from clicklake.cli.sanitize import for_csv, for_terminal
from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import Span
from clicklake.query.engines import QueryEngine, engine_option
from clicklake.query.queries import NAMES, QueryResult, parse_query, saved_query


@click.command(epilog=f"Saved queries, by name: {', '.join(NAMES)}.")
@click.argument("sql")
@span_options
@lake_options
@engine_option
@click.option(
    "--csv",
    "as_csv",
    is_flag=True,
    help="Print CSV. A text that a spreadsheet would run as a formula gets a ' before it.",
)
def command(sql: str, lake: Lake, span: Span, engine: QueryEngine, as_csv: bool) -> None:
    """Ask the lake in SQL, or run a saved query.

    SQL is Athena's. The tables hold what landed from --from to --to: human_events (each event once, without
    bots), events (each event once), lines (every line, so some events twice) and failed (Firehose's error
    documents).
    """
    query = saved_query(sql) if sql in NAMES else parse_query(sql)
    results = engine(lake, span, {"query": query})
    result = results.by_name["query"]
    if as_csv:
        _write_csv(result)
    else:
        _show(result)
    for note in results.notes:
        ERR.print(for_terminal(note))


def _show(result: QueryResult) -> None:
    table = Table(*result.columns)
    for row in result.rows:
        table.add_row(*("" if cell is None else for_terminal(_text(cell)) for cell in row))
    OUT.print(table)


def _write_csv(result: QueryResult) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(for_csv(name) for name in result.columns)
    for row in result.rows:
        writer.writerow(
            cell if isinstance(cell, int | float | None) else for_csv(_text(cell)) for cell in row
        )


def _text(cell: Any) -> str:
    return cell if isinstance(cell, str) else str(cell)
