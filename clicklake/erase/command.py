"""`erase`: remove one person's clicks from everything that the lake stores."""

from dataclasses import asdict
from typing import Any

import click
from rich.table import Table

from clicklake.cli.console import OUT, print_json, progress
from clicklake.cli.options import json_option, lake_options
from clicklake.cli.sanitize import for_terminal
from clicklake.erase.redactor import DataSubject
from clicklake.erase.search import Erasure
from clicklake.erase.versions import ObjectVersion
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake

GUEST = "guest"  # the userId of everyone who did not sign in


@click.command()
@click.option("--user-id", "user_ids", multiple=True, help="The site's own id of the person; repeatable.")
@click.option("--visitor-id", "visitor_ids", multiple=True, help="A visitor's id of one day; repeatable.")
@click.option("--session-id", "session_ids", multiple=True, help="A session's id; repeatable.")
@click.option("--dry-run", is_flag=True, help="Print what would be removed; remove nothing.")
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
    """Erase one person's clicks everywhere.

    That is clicks/, raw/, failed/, replayed/, parked/ and Athena's results, in every version of every object,
    for good. Objects that hold other clicks too are rewritten without the person's; every other line stays
    byte for byte. Clicks in flight land later, so run this again after 25 hours. An interrupted run is
    completed by running it again.
    """
    erasure = Erasure(lake, _subject(user_ids, visitor_ids, session_ids))
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


def _subject(users: tuple[str, ...], visitors: tuple[str, ...], sessions: tuple[str, ...]) -> DataSubject:
    if GUEST in users:
        raise CommandError(
            f"{GUEST!r} is every visitor who did not sign in; pass --visitor-id or --session-id"
        )
    subject = DataSubject(frozenset(users), frozenset(visitors), frozenset(sessions))
    if not all(subject.ids) or not subject.ids:
        raise CommandError("pass a non-empty --user-id, --visitor-id or --session-id")
    return subject


def to_json(lake: Lake, erasure: Erasure, dry_run: bool) -> dict[str, Any]:
    return {
        "bucket": lake.bucket,
        "dryRun": dry_run,
        "folders": {folder: asdict(counts) for folder, counts in erasure.counts.items()},
        "versions": [_version_to_json(version) for version in erasure.found],
        "unreadable": [_version_to_json(version) for version in erasure.unreadable],
    }


def _version_to_json(version: ObjectVersion) -> dict[str, Any]:
    return {"key": version.key, "versionId": version.id, "current": version.is_current}


def _show(erasure: Erasure, dry_run: bool) -> None:
    table = Table("folder", "clicks", "not JSON", "objects", "old versions", box=None)
    for folder, counts in erasure.counts.items():
        numbers = (counts.clicks, counts.unreadable, counts.objects, counts.old_versions)
        table.add_row(folder, *(f"{number:,}" for number in numbers))
    OUT.print(table)
    for version in erasure.unreadable:
        OUT.print(f"unreadable, not searched: {for_terminal(version.key)}, version {version.id}")
    done = "removed. Clicks in flight land later: run this again in 25 hours."
    OUT.print("nothing was removed" if dry_run else done)
