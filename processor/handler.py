"""The Lambda function: read the records, look up their items in one go, then enrich and write each record."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from processor import firehose, settings
from processor.enriched_event import RequestFields, build_event_class
from processor.envelope import EnvelopeReader, NotAnEnvelopeError, ReceivedEnvelope
from processor.firehose import FirehoseRecord, TransformResponse
from processor.items import ItemCache
from processor.lookup import BatchLookup
from processor.metrics import Metrics
from processor.parsing.agents import AgentBudget
from processor.pipeline import EnrichmentContext, enrich, to_lines
from processor.timestamps import to_rfc3339

# Everything that lasts is made at import. Lambda imports the module once per instance, and with more CPU than
# a batch gets.
SETTINGS = settings.from_environment()
READER = EnvelopeReader(build_event_class(SETTINGS.item_field, SETTINGS.catalogue_attributes))
ITEMS = ItemCache(SETTINGS)


# A record whose lines are larger than this many times its data waits until all others are written, so that
# it cannot take their place in the response. Common clicks grow 2.1-fold; the smallest ones 6.9-fold.
USUAL_GROWTH = 5


def lambda_handler(event: Mapping[str, Any], context: Any) -> dict[str, list[FirehoseRecord]]:
    now = datetime.now(UTC)
    records: Sequence[FirehoseRecord] = event["records"]
    response, metrics, lookup = TransformResponse(records), Metrics(records=len(records)), BatchLookup(ITEMS)
    agents = AgentBudget()
    enrichment = EnrichmentContext(to_rfc3339(now), lookup.known, metrics.failed_steps, agents)
    writer = RecordWriter(enrichment, response, metrics)

    # Write each record as soon as it is read, while its data is in the CPU's cache. That saves 4 % of a batch
    # (benchmarks/processor.py). Only records with items that must be fetched wait for the end.
    waiting: list[tuple[int, ReceivedEnvelope]] = []
    for position, record in enumerate(records):
        envelope = _read(record, metrics)
        if envelope is None:
            continue
        if lookup.add([click.item_id for click in envelope.clicks]):
            writer.write(position, record, envelope)
        else:
            waiting.append((position, envelope))
    lookup.fetch_missing(_budget_seconds(context))
    for position, envelope in waiting:
        writer.write(position, records[position], envelope)
    writer.write_large()

    metrics.agents_not_parsed = agents.not_parsed
    metrics.catalogue_calls, metrics.catalogue_milliseconds = lookup.calls, lookup.milliseconds
    print(metrics.to_emf(context.function_name, now))
    return {"records": response.records}


def _read(record: FirehoseRecord, metrics: Metrics) -> ReceivedEnvelope | None:
    try:
        data, arrived_ms = firehose.decode_data(record), firehose.arrival_timestamp(record)
        return READER.read(data, record["recordId"], arrived_ms)
    except NotAnEnvelopeError as refusal:
        metrics.count_failure(record["recordId"], str(refusal))
    except Exception as error:  # one bad record never harms another
        metrics.count_failure(record["recordId"], type(error).__name__)
    return None


class LargeRecord(NamedTuple):
    position: int
    envelope: ReceivedEnvelope
    request: RequestFields
    lines: bytes


class RecordWriter:
    """Enriches records and puts their lines into the response, unusually large ones last."""

    def __init__(self, enrichment: EnrichmentContext, response: TransformResponse, metrics: Metrics) -> None:
        self._enrichment = enrichment
        self._response = response
        self._metrics = metrics
        self._large: list[LargeRecord] = []

    def write(self, position: int, record: FirehoseRecord, envelope: ReceivedEnvelope) -> None:
        try:
            request = enrich(envelope, self._enrichment)
            lines = to_lines(envelope, request)
        except Exception as error:  # one bad record never harms another
            self._metrics.count_failure(record["recordId"], type(error).__name__)
            return
        if len(lines) > USUAL_GROWTH * firehose.data_size(record):
            self._large.append(LargeRecord(position, envelope, request, lines))
        else:
            self._put(position, envelope, request, lines)

    def write_large(self) -> None:
        for record in sorted(self._large, key=lambda record: len(record.lines)):
            self._put(*record)

    def _put(self, position: int, envelope: ReceivedEnvelope, request: RequestFields, lines: bytes) -> None:
        if self._response.put_lines(position, lines):
            self._metrics.count_clicks(envelope.clicks, request)
        else:
            self._metrics.count_failure(self._response.records[position]["recordId"], "no room in the answer")


def _budget_seconds(context: Any) -> float:
    """At most a third of the time that the function has left."""
    remaining: float = context.get_remaining_time_in_millis() / 1000
    return min(SETTINGS.catalogue_budget_seconds, remaining / 3)
