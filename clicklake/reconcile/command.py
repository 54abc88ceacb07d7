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
from clicklake.lake.partitions import DELIVERY_WINDOW, Span, hours_between
from clicklake.reconcile import cloudwatch
from clicklake.reconcile.hour_window import reconcile_span
from clicklake.reconcile.recover import file_missing
from clicklake.reconcile.result import ColumnsResult, OutcomeCounts, ReconciliationResult

# As `failed`, `parked` and `replayed` are called where a click's outcome is meant, not a folder.
LABELS = {"failed": "failed", "parked": "parked", "replayed": "moved by replay"}
JSON_KEYS = {"failed": "failed", "parked": "parked", "replayed": "movedByReplay"}


@click.command()
@span_options
@lake_options
@click.option("--no-wait", is_flag=True, help="Report in-flight events as missing.")
@click.option("--recover", is_flag=True, help="File missing clicks under failed/, for replay.")
@json_option
def command(lake: Lake, span: Span, no_wait: bool, recover: bool, as_json: bool) -> None:
    """Prove that no accepted click is missing.

    Every click of raw/ must be in clicks/, or in failed/ with a reason. Whole hours are compared, by time of
    arrival. Clicks younger than 25 hours that have not landed count as in flight, because Firehose retries
    for 24. An hour in columns/ must have the events of its lines. Exits with 1 if a click is missing, if
    columns/ differs, or if an object cannot be read.
    """
    now = datetime.now(UTC)
    with progress() as bar:
        task = bar.add_task("hours", total=len(list(hours_between(span.since, span.until))))
        in_flight_since = now if no_wait else now - DELIVERY_WINDOW
        result = reconcile_span(lake, span, in_flight_since, lambda: bar.advance(task))
    if recover:
        file_missing(lake, result.missing)
    metrics = _metrics(lake, span)
    if as_json:
        print_json(to_json(lake, span, result, metrics))
    else:
        _show(lake, span, result, metrics)
    if result.missing or result.unreadable or result.columns.faults:
        raise SystemExit(1)


def _metrics(lake: Lake, span: Span) -> dict[str, int]:
    try:
        return cloudwatch.count(lake, span)
    except ClientError as error:  # the right to read the lake need not include the right to read metrics
        ERR.print(f"CloudWatch's counts are left out: {for_terminal(str(error))}")
        return {}


def to_json(lake: Lake, span: Span, result: ReconciliationResult, metrics: dict[str, int]) -> dict[str, Any]:
    return {
        "bucket": lake.bucket,
        "from": span.since.isoformat(),
        "to": span.until.isoformat(),
        "accepted": result.accepted.ids,
        **_outcomes_to_json(result.accepted),
        "replayed": {"clicks": result.replayed.ids, **_outcomes_to_json(result.replayed)},
        "duplicates": result.duplicates,
        "clientRetries": result.client_retries,
        "records": result.records,
        "withoutId": dict(result.without_id),
        "missingClicks": [
            {"eventId": click.event_id, "receivedAt": click.received_at, "raw": click.key}
            for click in result.missing
        ],
        "unreadable": result.unreadable,
        "columns": {
            "compared": result.columns.compared,
            "notCompacted": [hour.isoformat() for hour in result.columns.not_compacted],
            "faults": [
                {"hour": fault.hour.isoformat(), "eventId": fault.event_id, "reason": fault.reason}
                for fault in result.columns.faults
            ],
        },
        "cloudWatch": metrics,
    }


def _outcomes_to_json(counts: OutcomeCounts) -> dict[str, Any]:
    return {
        "delivered": counts.delivered,
        **{JSON_KEYS[state]: dict(codes) for state, codes in counts.failed.items()},
        "inFlight": counts.in_flight,
        "missing": counts.missing,
    }


def _show(lake: Lake, span: Span, result: ReconciliationResult, metrics: dict[str, int]) -> None:
    OUT.print(f"s3://{lake.bucket}, {span.since:%Y-%m-%d %H:%M} to {span.until:%Y-%m-%d %H:%M} UTC")
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    for label, number, note in _rows(result):
        table.add_row(label, f"{number:,}", note)
    OUT.print(table)
    if metrics:
        OUT.print("CloudWatch:", ", ".join(f"{label} {number:,}" for label, number in metrics.items()))
    for fault in result.columns.faults:
        what = f"{fault.reason}: {for_terminal(fault.event_id)}" if fault.event_id else fault.reason
        OUT.print(f"columns/ of {fault.hour:%Y-%m-%d %H}:00, {what}", soft_wrap=True)
    for key in result.unreadable:
        OUT.print(f"unreadable, skipped: {for_terminal(key)}")
    for missing in result.missing:
        where = f"received {missing.received_at}, in {missing.key}"
        OUT.print(f"missing: {for_terminal(missing.event_id)}", for_terminal(where), soft_wrap=True)


def _rows(result: ReconciliationResult) -> Iterator[tuple[str, int, str]]:
    yield "clicks accepted", result.accepted.ids, f"in {result.records:,} records"
    yield from _outcome_rows(result.accepted)
    if result.replayed.ids:
        yield "replayed", result.replayed.ids, "clicks put back on the stream, which were accepted before"
        yield from _outcome_rows(result.replayed)
    yield "duplicates", result.duplicates, "lines beyond an id's first; queries count each event once"
    yield "client retries", result.client_retries, "clicks sent again by clients that got no answer"
    yield "hours in columns/", result.columns.compared, _columns_note(result.columns)
    if without := {place: number for place, number in result.without_id.items() if number}:
        places = ", ".join(f"{place} {number:,}" for place, number in without.items())
        yield "without an id", sum(without.values()), f"legacy clicks and garbage: {places}"


def _columns_note(columns: ColumnsResult) -> str:
    if not columns.not_compacted:
        return "with the events of their lines" if columns.compared else ""
    first, last = (
        f"{hour:%Y-%m-%d %H}:00" for hour in (min(columns.not_compacted), max(columns.not_compacted))
    )
    if first == last:
        return f"one hour is not compacted yet ({first}): clicklake compact"
    return (
        f"{len(columns.not_compacted):,} hours are not compacted yet ({first} to {last}): clicklake compact"
    )


def _outcome_rows(counts: OutcomeCounts) -> Iterator[tuple[str, int, str]]:
    yield "  delivered", counts.delivered, ""
    for state, codes in counts.failed.items():
        if codes:
            by_code = ", ".join(f"{for_terminal(code)} {number:,}" for code, number in codes.most_common())
            yield f"  {LABELS[state]}", codes.total(), by_code
    yield "  in flight", counts.in_flight, "younger than 25 hours" if counts.in_flight else ""
    yield "  missing", counts.missing, ""
