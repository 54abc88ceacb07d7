"""`erase`: one person's clicks, out of everything that the lake keeps."""

from dataclasses import asdict
from typing import Any

import click
from rich.table import Table

from clicklake.cli.console import OUT, print_json, progress
from clicklake.cli.options import json_option, lake_options
from clicklake.cli.sanitize import for_terminal
from clicklake.erase.erasure import Erasure
from clicklake.erase.redactor import Person
from clicklake.erase.versions import Version
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake

NOBODY = "guest"  # whoever did not sign in


@click.command()
@click.option(
    "--user-id", "user_ids", multiple=True, help="The site's own id of the person; can be given again."
)
@click.option(
    "--visitor-id", "visitor_ids", multiple=True, help="A visitor's id of one day; can be given again."
)
@click.option("--session-id", "session_ids", multiple=True, help="A session's id; can be given again.")
@click.option("--dry-run", is_flag=True, help="Tell what would be removed, and remove nothing.")
@lake_options
@json_option
def command(
    lake: Lake,
    user_ids: tuple[str, ...],
    visitor_ids: tuple[str, ...],
    session_ids: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Remove a person's clicks from clicks/, raw/, failed/, replayed/, parked/ and Athena's results.

    From every version of every object, and for good. Objects that hold other clicks too are written anew
    without the person's: every other line stays byte for byte. What is on its way meanwhile lands later: run
    this again after 25 hours. A run that was interrupted is finished by running it again.
    """
    erasure = Erasure(lake, _person(user_ids, visitor_ids, session_ids))
    with progress() as bar:
        searching = bar.add_task("versions searched", total=None)
        erasure.search(lambda: bar.advance(searching))
        if not dry_run:
            for version in bar.track(erasure.found, description="versions erased"):
                erasure.erase(version)
    if as_json:
        print_json(to_json(lake, erasure, dry_run))
    else:
        _show(erasure, dry_run)
    if erasure.unreadable:
        raise SystemExit(1)


def _person(users: tuple[str, ...], visitors: tuple[str, ...], sessions: tuple[str, ...]) -> Person:
    if NOBODY in users:
        raise CommandError(
            f"{NOBODY!r} is everybody who did not sign in: name a --visitor-id or a --session-id"
        )
    person = Person(frozenset(users), frozenset(visitors), frozenset(sessions))
    if not all(person.ids) or not person.ids:
        raise CommandError("name whose clicks: --user-id, --visitor-id or --session-id")
    return person


def to_json(lake: Lake, erasure: Erasure, dry_run: bool) -> dict[str, Any]:
    return {
        "bucket": lake.bucket,
        "dryRun": dry_run,
        "folders": {folder: asdict(counts) for folder, counts in erasure.counts.items()},
        "versions": [_to_json(version) for version in erasure.found],
        "unreadable": [_to_json(version) for version in erasure.unreadable],
    }


def _to_json(version: Version) -> dict[str, Any]:
    return {"key": version.key, "versionId": version.id, "current": version.is_current}


def _show(erasure: Erasure, dry_run: bool) -> None:
    table = Table("folder", "clicks", "no JSON", "objects", "old versions", box=None)
    for folder, counts in erasure.counts.items():
        numbers = (counts.clicks, counts.unreadable, counts.objects, counts.old_versions)
        table.add_row(folder, *(f"{number:,}" for number in numbers))
    OUT.print(table)
    for version in erasure.unreadable:
        OUT.print(f"unreadable, not searched: {for_terminal(version.key)}, version {version.id}")
    done = "removed. What was on its way lands later: run this again in 25 hours."
    OUT.print("nothing was removed" if dry_run else done)
