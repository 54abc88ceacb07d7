"""Run today's processor over the envelopes of raw/, with the deployed settings."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.json_lines import NotJsonError, decode_json
from clicklake.lake.partitions import to_rfc3339
from processor import settings
from processor.enriched_event import build_event_class
from processor.envelope import EnvelopeReader, NotAnEnvelopeError, ReceivedEnvelope
from processor.items import CatalogueItem, ItemCache
from processor.lookup import BatchLookup
from processor.pipeline import EnrichmentContext, enrich, to_lines
from processor.settings import ProcessorSettings

CATALOGUE_SECONDS = 60.0  # for the new items of one batch; no Firehose waits here
CATALOGUE_SEEMS_DOWN = 8  # items of one batch that all got no answer


NO_LIMIT = 2**31  # the processor's limits protect the stream; here an operator waits for every item


class ReceivedTime(msgspec.Struct, rename="camel", gc=False):
    received_at: str | None = None


class NewLine(NamedTuple):
    event_id: str
    line: bytes  # without a newline


def settings_of(lake: Lake, environment: Mapping[str, str]) -> ProcessorSettings:
    """Return the settings of the stack's processor or, if only the bucket is known, of our environment.

    Raises CommandError if CATALOGUE_URL is set nowhere: every attribute would be lost.
    """
    if lake.outputs:
        name = lake.outputs["ProcessorFunctionName"]
        function = lake.client("lambda").get_function_configuration(FunctionName=name)
        environment = function.get("Environment", {}).get("Variables", {})
    elif "CATALOGUE_URL" not in environment:
        raise CommandError(
            "with --bucket the processor's settings come from the environment: set CATALOGUE_URL (empty for "
            "none), and ITEM_ID_FIELD and CATALOGUE_ATTRIBUTES if they differ; or pass --stage"
        )
    try:
        return settings.from_environment(environment)
    except settings.InvalidSettingError as error:
        raise CommandError(f"the processor's {error}") from None


class Enricher:
    def __init__(self, settings: ProcessorSettings) -> None:
        click = build_event_class(settings.item_field, settings.catalogue_attributes)
        self._reader = EnvelopeReader(click)
        self._lines = msgspec.json.Decoder(click)
        self._received = msgspec.json.Decoder(ReceivedTime)
        self._items = ItemCache(
            replace(
                settings,
                catalogue_ids_per_batch=NO_LIMIT,
                catalogue_ids_per_envelope=NO_LIMIT,
                catalogue_unknown_per_batch=NO_LIMIT,
            )
        )
        self.processed_at = to_rfc3339(datetime.now(UTC))

    def read(self, data: bytes) -> ReceivedEnvelope | None:
        """Return None for an envelope that today's processor refuses."""
        try:
            return self._reader.read(data, "", None)
        except NotAnEnvelopeError:
            return None

    def read_legacy_line(self, line: bytes) -> ReceivedEnvelope | None:
        """Return an envelope made of a legacy click's line.

        A legacy click has no id in raw/, but its line holds the whole click.
        """
        try:
            received, click = decode_json(self._received, line), decode_json(self._lines, line)
        except NotJsonError:
            return None
        return ReceivedEnvelope(None, None, received.received_at, [click])

    def enrich(self, envelopes: list[ReceivedEnvelope]) -> Iterator[NewLine]:
        """Yield the new line of every click. Raises CommandError if the catalogue does not answer at all."""
        wanted = {click.item_id for envelope in envelopes for click in envelope.clicks if click.item_id}
        lookup = BatchLookup(self._items)
        lookup.add(list(wanted))
        lookup.fetch_missing(CATALOGUE_SECONDS)
        _check_catalogue([lookup.known[item_id] for item_id in wanted])
        context = EnrichmentContext(self.processed_at, lookup.known, Counter())
        for envelope in envelopes:
            request = enrich(envelope, context)
            lines = to_lines(envelope, request).splitlines()
            for click, line in zip(envelope.clicks, lines, strict=True):
                yield NewLine(click.event_id, line)


def _check_catalogue(items: list[CatalogueItem]) -> None:
    if len(items) >= CATALOGUE_SEEMS_DOWN and all(item.lookup == "unavailable" for item in items):
        raise CommandError("the catalogue does not answer; run this again when it does")
