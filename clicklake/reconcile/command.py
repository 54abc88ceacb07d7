"""`reconcile`: is everything that was accepted in the lake?"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click
from botocore.exceptions import ClientError
from rich.table import Table

from clicklake.cli.console import ERR, OUT, print_json, progress
from clicklake.cli.options import json_option, lake_options, span_options
from clicklake.cli.sanitize import for_terminal
from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import DELIVERY_WINDOW, Span, hours
from clicklake.reconcile import cloudwatch
from clicklake.reconcile.hour_window import ROOTS, Balance, Outcomes, balance
from clicklake.reconcile.recover import file_missing


@click.command()
@span_options
@lake_options
@click.option("--no-wait", is_flag=True, help="Call missing what is not there, however young it is.")
@click.option("--recover", is_flag=True, help="Write what is missing to failed/, where replay takes it from.")
@json_option
def command(lake: Lake, span: Span, no_wait: bool, recover: bool, as_json: bool) -> None:
    """Show that nothing is missing: each click of raw/ is in clicks/, or is kept in failed/ with a reason.

    Whole hours are compared, by the time of arrival. What is younger than 25 hours and not there yet is
    waiting: Firehose tries for 24. Exits with 1 if a click is missing, or an object cannot be read.
    """
    now = datetime.now(UTC)
    with progress() as bar:
        task = bar.add_task("hours", total=len(list(hours(span.since, span.until))))
        found = balance(lake, span, now if no_wait else now - DELIVERY_WINDOW, lambda: bar.advance(task))
    if recover:
        file_missing(lake, found.missing)
    witness = _witness(lake, span)
    if as_json:
        print_json(to_json(lake, span, found, witness))
    else:
        _show(lake, span, found, witness)
    if found.missing or found.unreadable:
        raise SystemExit(1)


def _witness(lake: Lake, span: Span) -> dict[str, int]:
    try:
        return cloudwatch.count(lake, span)
    except ClientError as error:  # whoever may read the lake need not have the right to read metrics
        ERR.print(f"CloudWatch's counts are left out: {for_terminal(str(error))}")
        return {}


def to_json(lake: Lake, span: Span, found: Balance, witness: dict[str, int]) -> dict[str, Any]:
    return {
        "bucket": lake.bucket,
        "from": span.since.isoformat(),
        "to": span.until.isoformat(),
        "accepted": found.accepted.ids,
        **_outcomes_to_json(found.accepted),
        "putBack": {"clicks": found.put_back.ids, **_outcomes_to_json(found.put_back)},
        "duplicates": found.duplicates,
        "sentAgain": found.sent_again,
        "records": found.records,
        "withoutId": dict(found.without_id),
        "missingClicks": [
            {"eventId": each.event_id, "receivedAt": each.received_at, "raw": each.key}
            for each in found.missing
        ],
        "unreadable": found.unreadable,
        "cloudWatch": witness,
    }


def _outcomes_to_json(outcomes: Outcomes) -> dict[str, Any]:
    return {
        "delivered": outcomes.delivered,
        **{str(state): dict(codes) for state, codes in outcomes.undelivered.items()},
        "waiting": outcomes.waiting,
        "missing": outcomes.missing,
    }


def _show(lake: Lake, span: Span, found: Balance, witness: dict[str, int]) -> None:
    OUT.print(f"s3://{lake.bucket}, {span.since:%Y-%m-%d %H:%M} to {span.until:%Y-%m-%d %H:%M} UTC")
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    for label, number, note in _rows(found):
        table.add_row(label, f"{number:,}", note)
    OUT.print(table)
    if witness:
        OUT.print("CloudWatch:", ", ".join(f"{label} {number:,}" for label, number in witness.items()))
    for key in found.unreadable:
        OUT.print(f"unreadable, skipped: {for_terminal(key)}")
    for each in found.missing:
        where = f"received {each.received_at}, in {each.key}"
        OUT.print(f"missing: {for_terminal(each.event_id)}", for_terminal(where), soft_wrap=True)


def _rows(found: Balance) -> Iterator[tuple[str, int, str]]:
    yield "clicks accepted", found.accepted.ids, f"in {found.records:,} records"
    yield from _outcome_rows(found.accepted)
    if found.put_back.ids:
        yield "put back by replay", found.put_back.ids, "clicks that were accepted before"
        yield from _outcome_rows(found.put_back)
    yield "duplicates", found.duplicates, "lines beyond an id's first, which no query counts"
    yield "sent again", found.sent_again, "by clients that had no answer"
    if bare := {place: number for place, number in found.without_id.items() if number}:
        places = ", ".join(f"{place} {number:,}" for place, number in bare.items())
        yield "without an id", sum(bare.values()), f"bare clicks and garbage, counted, not named: {places}"


def _outcome_rows(outcomes: Outcomes) -> Iterator[tuple[str, int, str]]:
    yield "  delivered", outcomes.delivered, ""
    for state in ROOTS:
        codes = outcomes.undelivered[state]
        if codes:
            by_code = ", ".join(f"{for_terminal(code)} {number:,}" for code, number in codes.most_common())
            yield f"  {state}", codes.total(), by_code
    yield "  waiting", outcomes.waiting, "younger than 25 hours" if outcomes.waiting else ""
    yield "  missing", outcomes.missing, ""
