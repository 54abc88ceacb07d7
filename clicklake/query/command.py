"""`query`: one question of one's own, or a saved one by its name."""

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
from clicklake.query.engines import Ask, engine_option
from clicklake.query.queries import NAMES, Answer, parse_question, saved_question


@click.command(epilog=f"Saved questions, by name: {', '.join(NAMES)}.")
@click.argument("sql")
@span_options
@lake_options
@engine_option
@click.option(
    "--csv",
    "as_csv",
    is_flag=True,
    help="CSV on stdout. A text that a spreadsheet would run gets a ' before it.",
)
def command(sql: str, lake: Lake, span: Span, ask: Ask, as_csv: bool) -> None:
    """Ask the lake in SQL, as Athena writes it; or a saved question by its name.

    The tables hold what landed from --from to --to. human_clicks: each event once, robots apart.
    unique_clicks: each event once. clicks: every line, some events twice. failed: Firehose's error documents.
    """
    question = saved_question(sql) if sql in NAMES else parse_question(sql)
    answers = ask(lake, span, {"asked": question})
    answer = answers.by_name["asked"]
    if as_csv:
        _write_csv(answer)
    else:
        _show(answer)
    for note in answers.notes:
        ERR.print(for_terminal(note))


def _show(answer: Answer) -> None:
    table = Table(*answer.columns)
    for row in answer.rows:
        table.add_row(*("" if cell is None else for_terminal(_text(cell)) for cell in row))
    OUT.print(table)


def _write_csv(answer: Answer) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(for_csv(name) for name in answer.columns)
    for row in answer.rows:
        writer.writerow(
            cell if isinstance(cell, int | float | None) else for_csv(_text(cell)) for cell in row
        )


def _text(cell: Any) -> str:
    return cell if isinstance(cell, str) else str(cell)
