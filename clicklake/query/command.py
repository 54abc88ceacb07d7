"""`query`: run one's own SQL, or a saved query by its name."""

from datetime import UTC, datetime, tzinfo
from typing import get_args

import click

from clicklake.cli.console import ERR, OUT
from clicklake.cli.options import lake_options, span_of, zoned_span_options
from clicklake.cli.sanitize import for_terminal
from clicklake.cli.time_spans import LocalTime
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.query.engines import QueryEngine, engine_option
from clicklake.query.output import FORMATS, Format, print_result
from clicklake.query.queries import NAMES, QueryResult, find_query


@click.command(epilog=f"Saved queries, by name: {', '.join(NAMES)}.")
@click.argument("sql")
@zoned_span_options
@lake_options
@engine_option
@click.option(
    "--format",
    "output_format",
    type=click.Choice(FORMATS),
    help="How to print rows. vertical is one field per line; in csv, a text that a spreadsheet would run as a"
    " formula gets a ' before it.  [default: table, or vertical if a row does not fit the terminal]",
)
@click.option("--csv", "as_csv", is_flag=True, help="The same as --format csv.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--limit", type=click.IntRange(1), help="Print at most so many rows.  [default: all]")
def command(
    sql: str,
    lake: Lake,
    since: LocalTime | None,
    until: LocalTime | None,
    zone: tzinfo,
    engine: QueryEngine,
    output_format: str | None,
    as_csv: bool,
    as_json: bool,
    limit: int | None,
) -> None:
    """Ask the lake in SQL, or run a saved query.

    SQL is Athena's. The tables hold what landed from --from to --to: human_events (each event once, without
    bots), events (each event once), lines (every line, so some events twice) and failed (Firehose's error
    documents).
    """
    chosen = _format(output_format, as_csv, as_json)
    query = find_query(sql)
    if limit and not query.args.get("limit"):
        query = query.limit(limit)
    span = span_of(since, until, zone, datetime.now(UTC))
    results = engine(lake, span, {"query": query}, zone)
    result = results.by_name["query"]
    print_result(QueryResult(result.columns, result.rows[:limit]), chosen, OUT)
    for note in results.notes:
        ERR.print(for_terminal(note), soft_wrap=True)


def _format(output_format: str | None, as_csv: bool, as_json: bool) -> Format | None:
    wanted = {output_format, "csv" if as_csv else None, "json" if as_json else None} - {None}
    if len(wanted) > 1:
        raise CommandError("choose one of --format, --csv and --json")
    return next((name for name in get_args(Format) if name in wanted), None)
