"""`status`: is a stage well, on one screen?"""

from datetime import UTC, datetime

import click
from rich.table import Table

from clicklake.cli.console import OUT, print_json
from clicklake.cli.options import json_option, unchecked_lake_options
from clicklake.cli.sanitize import for_terminal
from clicklake.lake.bucket import Lake
from clicklake.status.document import to_json
from clicklake.status.parts import Status
from clicklake.status.read import read_status
from clicklake.status.words import words_of


@click.command()
@unchecked_lake_options
@json_option
def command(lake: Lake, as_json: bool) -> None:
    """Show whether a stage is well.

    One screen: what has landed and how late, what failed, the last reconciliation and compaction, alarms,
    this month's cost, and the versions that are deployed. Exits with 1 if something needs attention, and says
    what to do. A part that your credentials may not read is named with the action that was refused; it does
    not change the exit code.
    """
    status = read_status(lake, datetime.now(UTC))
    if as_json:
        print_json(to_json(status))
    else:
        _show(status)
    if status.attention:
        raise SystemExit(1)


def _show(status: Status) -> None:
    stage = f"stage {status.stage}, " if status.stage else ""
    OUT.print(f"{stage}s3://{status.bucket}, {status.checked_at:%Y-%m-%d %H:%M} UTC\n")
    table = Table.grid(padding=(0, 2))
    for label, words in words_of(status).items():
        table.add_row(label, for_terminal(words))
    OUT.print(table)
    if not status.attention:
        OUT.print("\nNothing needs attention.")
    for each in status.attention:
        OUT.print(f"\n! {for_terminal(each.what)}\n  {for_terminal(each.todo)}", soft_wrap=True)
