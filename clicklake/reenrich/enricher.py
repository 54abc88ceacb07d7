"""Today's processor over the envelopes of raw/, with the settings that are deployed."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import boto3
import msgspec

from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import to_rfc3339
from processor import settings
from processor.envelope import Envelope, EnvelopeReader, NotAnEnvelopeError
from processor.items import Item, Items, Lookup
from processor.line import click_type
from processor.pipeline import Batch, enrich, to_lines
from processor.settings import Settings

CATALOGUE_SECONDS = 60.0  # for the new items of one batch: nobody waits here as Firehose does
CATALOGUE_SEEMS_DOWN = 8  # items of one batch, of none of which it tells anything


class Received(msgspec.Struct, rename="camel", gc=False):
    received_at: str | None = None


class NewLine(NamedTuple):
    event_id: str
    line: bytes  # without a newline


def settings_of(lake: Lake, environment: Mapping[str, str]) -> Settings:
    """Those of the stack's function; where only the bucket is known, those of our own environment.

    Raises CommandError where nothing is said of the catalogue: every attribute would be lost.
    """
    if lake.outputs:
        name = lake.outputs["ProcessorFunctionName"]
        function = boto3.client("lambda").get_function_configuration(FunctionName=name)
        environment = function.get("Environment", {}).get("Variables", {})
    elif "CATALOGUE_URL" not in environment:
        raise CommandError(
            "with --bucket the processor's settings are those of the environment: set CATALOGUE_URL (empty "
            "for none), and ITEM_ID_FIELD and CATALOGUE_ATTRIBUTES where they differ; or name the --stage"
        )
    return settings.from_environment(environment)


class Enricher:
    def __init__(self, settings: Settings) -> None:
        click = click_type(settings.item_field, settings.catalogue_attributes)
        self._reader = EnvelopeReader(click)
        self._lines = msgspec.json.Decoder(click)
        self._heads = msgspec.json.Decoder(Received)
        self._items = Items(settings)
        self.processed_at = to_rfc3339(datetime.now(UTC))

    def read(self, data: bytes) -> Envelope | None:
        """None for an envelope that today's processor refuses."""
        try:
            return self._reader.read(data, "", None)
        except NotAnEnvelopeError:
            return None

    def read_bare_line(self, line: bytes) -> Envelope | None:
        """A bare click has no id in raw/, but its line holds all of it: the steps set the rest anew."""
        try:
            head, bare = self._heads.decode(line), self._lines.decode(line)
        except msgspec.DecodeError:
            return None
        return Envelope(None, None, head.received_at, [bare])

    def enrich(self, envelopes: list[Envelope]) -> Iterator[NewLine]:
        """Raises CommandError if the catalogue does not answer at all."""
        wanted = {click.item_id for envelope in envelopes for click in envelope.clicks if click.item_id}
        lookup = Lookup(self._items)
        lookup.note(wanted)
        lookup.ask(CATALOGUE_SECONDS)
        _check_catalogue([lookup.known[item_id] for item_id in wanted])
        batch = Batch(self.processed_at, lookup.known, Counter())
        for envelope in envelopes:
            shared = enrich(envelope, batch)
            lines = to_lines(envelope, shared).splitlines()
            for click, line in zip(envelope.clicks, lines, strict=True):
                yield NewLine(click.event_id, line)


def _check_catalogue(items: list[Item]) -> None:
    if len(items) >= CATALOGUE_SEEMS_DOWN and all(item.enrichment == "unavailable" for item in items):
        raise CommandError("the catalogue does not answer: run this again when it does")
