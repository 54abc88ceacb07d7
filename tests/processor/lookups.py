"""Looks up batches of items, with one cache for all of them."""

from collections.abc import Sequence
from typing import Any

from processor.items import CatalogueItem, ItemCache
from processor.lookup import BatchLookup
from processor.settings import ProcessorSettings
from tests.processor.in_process_catalogue import OTHER_ITEM, URL, InProcessCatalogue, Reply, item_reply


class ManualClock:
    """Stands still until a test sets it."""

    def __init__(self) -> None:
        self.now = 1_795_489_985.0

    def __call__(self) -> float:
        return self.now


class Lookups:
    """Looks up one batch per call, with one cache for all of them."""

    def __init__(self, catalogue: InProcessCatalogue, **settings: Any) -> None:
        self.clock = ManualClock()
        self.items = ItemCache(ProcessorSettings(catalogue_url=URL, **settings), self.clock)
        self.items.catalogue.session.mount("http://", catalogue)

    def __call__(self, *ids: str | None, seconds: float = 30) -> list[str]:
        """Return how each lookup ended, with the species of a found item."""
        known = self.look_up(*ids, seconds=seconds).known
        return [_summary(known[item_id]) for item_id in ids]

    def look_up(self, *ids: str | None, seconds: float = 30) -> BatchLookup:
        """The ids of one envelope."""
        return self.batch([ids], seconds)

    def batch(self, envelopes: Sequence[Sequence[str | None]], seconds: float = 30) -> BatchLookup:
        lookup = BatchLookup(self.items)
        for ids in envelopes:
            lookup.add(ids)
        lookup.fetch_missing(seconds)
        return lookup


def _summary(item: CatalogueItem) -> str:
    species = dict(item.attributes).get("species")
    return f"{item.lookup}: {species}" if species else item.lookup


def down(item_id: str) -> Reply:
    return Reply(503)


def missing(item_id: str) -> Reply:
    return Reply(404)


def other(item_id: str) -> Reply:
    return item_reply(OTHER_ITEM)


def well(item_id: str) -> Reply:
    return item_reply()
