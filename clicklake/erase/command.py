"""`erase`: remove one person's clicks from everything that the lake stores."""

from collections.abc import Iterator
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
MIN_TEXT_CHARACTERS = 4


@click.command()
@click.option("--user-id", "user_ids", multiple=True, help="The site's own id of the person; repeatable.")
@click.option("--visitor-id", "visitor_ids", multiple=True, help="A visitor's id of one day; repeatable.")
@click.option("--session-id", "session_ids", multiple=True, help="A session's id; repeatable.")
@click.option(
    "--containing",
    "texts",
    multiple=True,
    help="Also clicks that contain this text as a whole word, in any field and any case; repeatable.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be removed; remove nothing.")
@lake_options
@json_option
def command(
    lake: Lake,
    user_ids: tuple[str, ...],
    visitor_ids: tuple[str, ...],
    session_ids: tuple[str, ...],
    texts: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Erase one person's clicks everywhere.

    That is every version of every object in the bucket, for good. Objects that hold other clicks too are
    rewritten without the person's; every other line stays byte for byte. Clicks in flight land later, so run
    this again after 25 hours. An interrupted run is completed by running it again.

    Exits with 1 if something of the person may be left: clicks of others that mention an id (in a title,
    say), ids that differ only in case, or objects that could not be searched.
    """
    subject = _subject(user_ids, visitor_ids, session_ids, texts)
    erasure = Erasure(lake, subject)
    with progress() as bar:
        searching = bar.add_task("versions searched", total=None)
        erasure.search(lambda: bar.advance(searching))
        if not dry_run:
            for version in bar.track(erasure.found, description="versions erased"):
                erasure.erase(version)
            for version in erasure.search_columns_again():
                erasure.erase(version)
    warnings = list(_warnings(erasure, subject))
    if as_json:
        print_json(to_json(lake, erasure, dry_run, warnings))
    else:
        _show(erasure, dry_run, warnings)
    if erasure.unsearched or erasure.mentions or erasure.other_cases:
        raise SystemExit(1)


def _subject(
    users: tuple[str, ...], visitors: tuple[str, ...], sessions: tuple[str, ...], texts: tuple[str, ...]
) -> DataSubject:
    if GUEST in users:
        raise CommandError(
            f"{GUEST!r} is every visitor who did not sign in; pass --visitor-id or --session-id"
        )
    subject = DataSubject(frozenset(users), frozenset(visitors), frozenset(sessions), frozenset(texts))
    if not all(subject.ids | subject.texts) or not subject.ids | subject.texts:
        raise CommandError("pass a non-empty --user-id, --visitor-id, --session-id or --containing")
    if short := [text for text in texts if len(text.strip()) < MIN_TEXT_CHARACTERS]:
        raise CommandError(
            f"--containing {short[0]!r} is too short; it must have at least {MIN_TEXT_CHARACTERS} characters,"
            " because every click that contains it is erased"
        )
    return subject


def _warnings(erasure: Erasure, subject: DataSubject) -> Iterator[str]:
    if subject.visitor_ids:
        yield (
            "A visitor id stands for everyone with the same browser behind the same /24 (IPv4) or /48 (IPv6)"
            " address on that day: this includes other people's clicks."
        )
    if erasure.other_cases:
        ids = ", ".join(sorted(erasure.other_cases))
        yield f"These ids differ only in case, and their clicks stay: {ids}. Pass each that is theirs."
    if erasure.mentions:
        yield (
            f"{erasure.mentions:,} lines or records of others mention an id, in a title or URL for instance,"
            " and stay. --containing TEXT erases such clicks."
        )
    if erasure.unsearched:
        yield f"{len(erasure.unsearched):,} versions could not be searched. They are named above."


def to_json(lake: Lake, erasure: Erasure, dry_run: bool, warnings: list[str]) -> dict[str, Any]:
    return {
        "bucket": lake.bucket,
        "dryRun": dry_run,
        "folders": {folder: asdict(counts) for folder, counts in erasure.counts.items()},
        "versions": [_version_to_json(version) for version in erasure.found],
        "mentions": erasure.mentions,
        "otherCases": sorted(erasure.other_cases),
        "notSearched": [
            _version_to_json(version) | {"reason": reason} for version, reason in erasure.unsearched
        ],
        "warnings": warnings,
    }


def _version_to_json(version: ObjectVersion) -> dict[str, Any]:
    return {"key": version.key, "versionId": version.id, "current": version.is_current}


def _show(erasure: Erasure, dry_run: bool, warnings: list[str]) -> None:
    table = Table("folder", "clicks", "not JSON", "objects", "old versions", "mentions", box=None)
    for folder, counts in erasure.counts.items():
        numbers = (
            counts.clicks,
            counts.unreadable,
            counts.objects,
            counts.old_versions,
            counts.mentions,
        )
        table.add_row(for_terminal(folder or "(no folder)"), *(f"{number:,}" for number in numbers))
    OUT.print(table)
    for version, reason in erasure.unsearched:
        OUT.print(f"not searched: {for_terminal(version.key)}, version {version.id}: {for_terminal(reason)}")
    for warning in warnings:
        OUT.print(for_terminal(warning), soft_wrap=True)
    done = "removed. Clicks in flight land later: run this again in 25 hours."
    OUT.print("nothing was removed" if dry_run else done)
