"""The Lambda function: read each record, ask the catalogue once for all, enrich and answer each alone."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from processor import firehose, settings
from processor.clocks import to_rfc3339
from processor.envelope import Envelope, EnvelopeReader, NotAnEnvelopeError
from processor.firehose import Answer, Record
from processor.items import Items
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
    metrics = Metrics(records=len(records))
    envelopes = [_read(record, metrics) for record in records]

    lookup = ITEMS.look_up(_item_ids(envelopes), _budget_seconds(context))
    metrics.catalogue_calls, metrics.catalogue_milliseconds = lookup.calls, lookup.milliseconds
    batch = Batch(to_rfc3339(now), lookup.items, metrics.failed_steps)

    answer = Answer(records)
    for record, envelope in zip(records, envelopes, strict=True):
        if envelope is None:
            answer.add_failed(record)
        else:
            _write(record, envelope, batch, answer, metrics)
    print(metrics.to_emf(context.function_name, now))
    return {"records": answer.records}


def _read(record: Record, metrics: Metrics) -> Envelope | None:
    try:
        return READER.read(firehose.data_of(record), record["recordId"], firehose.arrival_of(record))
    except NotAnEnvelopeError as refusal:
        metrics.count_failure(record, str(refusal))
    except Exception as error:  # one bad record never harms another
        metrics.count_failure(record, type(error).__name__)
    return None


def _write(record: Record, envelope: Envelope, batch: Batch, answer: Answer, metrics: Metrics) -> None:
    try:
        shared = enrich(envelope, batch)
        fits = answer.add_ok(record, to_lines(envelope, shared))
    except Exception as error:  # as above
        answer.add_failed(record)
        metrics.count_failure(record, type(error).__name__)
        return
    if fits:
        metrics.count_clicks(envelope.clicks, shared)
    else:
        metrics.count_failure(record, "no room in the answer")


def _item_ids(envelopes: Iterable[Envelope | None]) -> set[str | None]:
    return {click.item_id for envelope in envelopes if envelope for click in envelope.clicks}


def _budget_seconds(context: Any) -> float:
    """A third of the function's time at most, which at a batch's start is what remains."""
    remaining: float = context.get_remaining_time_in_millis() / 1000
    return min(SETTINGS.catalogue_budget_seconds, remaining / 3)
