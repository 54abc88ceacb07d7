"""The Lambda function: read each record, ask the catalogue once for all, enrich and answer each alone."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from processor import firehose, settings
from processor.clocks import to_rfc3339
from processor.envelope import Envelope, EnvelopeReader, NotAnEnvelopeError
from processor.firehose import Answer, Record
from processor.items import Items, Lookup
from processor.line import click_type
from processor.metrics import Metrics
from processor.pipeline import Batch, enrich, to_lines

# Lambda imports a module once per instance, with more CPU than a call gets: all that lasts is made here.
SETTINGS = settings.from_environment()
READER = EnvelopeReader(click_type(SETTINGS.item_field, SETTINGS.catalogue_attributes))
ITEMS = Items(SETTINGS)


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, list[Record]]:
    now = datetime.now(UTC)
    records: Sequence[Record] = event["records"]
    answer, metrics, lookup = Answer(records), Metrics(records=len(records)), Lookup(ITEMS)
    batch = Batch(to_rfc3339(now), lookup.known, metrics.failed_steps)

    # Record by record, while an envelope is still in the processor's cache; only those that have an item
    # that must be asked for wait until all are read.
    waiting: list[tuple[int, Envelope]] = []
    for position, record in enumerate(records):
        envelope = _read(record, metrics)
        if envelope is None:
            continue
        if lookup.note([click.item_id for click in envelope.clicks]):
            _write(position, envelope, batch, answer, metrics)
        else:
            waiting.append((position, envelope))
    lookup.ask(_budget_seconds(context))
    for position, envelope in waiting:
        _write(position, envelope, batch, answer, metrics)

    metrics.catalogue_calls, metrics.catalogue_milliseconds = lookup.calls, lookup.milliseconds
    print(metrics.to_emf(context.function_name, now))
    return {"records": answer.records}


def _read(record: Record, metrics: Metrics) -> Envelope | None:
    try:
        return READER.read(firehose.data_of(record), record["recordId"], firehose.arrival_of(record))
    except NotAnEnvelopeError as refusal:
        metrics.count_failure(record["recordId"], str(refusal))
    except Exception as error:  # one bad record never harms another
        metrics.count_failure(record["recordId"], type(error).__name__)
    return None


def _write(position: int, envelope: Envelope, batch: Batch, answer: Answer, metrics: Metrics) -> None:
    record_id = answer.records[position]["recordId"]
    try:
        shared = enrich(envelope, batch)
        fits = answer.put_lines(position, to_lines(envelope, shared))
    except Exception as error:  # as above
        metrics.count_failure(record_id, type(error).__name__)
        return
    if fits:
        metrics.count_clicks(envelope.clicks, shared)
    else:
        metrics.count_failure(record_id, "no room in the answer")


def _budget_seconds(context: Any) -> float:
    """At most a third of the time that the function has left."""
    remaining: float = context.get_remaining_time_in_millis() / 1000
    return min(SETTINGS.catalogue_budget_seconds, remaining / 3)
