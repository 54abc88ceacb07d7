"""The items of a batch: fetched once each, several at a time, within a time limit, and then cached."""

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from threading import Lock
from typing import Any, Literal, NamedTuple

import msgspec

from processor.catalogue import CatalogueClient, CatalogueError
from processor.settings import ProcessorSettings

ATTEMPTS = 2
FAILURE_THRESHOLD = 16  # items that failed in a row: the catalogue is down, stop asking for this batch
MAX_ATTRIBUTE_CHARACTERS = 256  # every click on the item repeats the attribute, and the response has a limit

LookupResult = Literal["found", "not_found", "unavailable", "none"]


class CatalogueItem(NamedTuple):
    lookup: LookupResult
    attributes: tuple[tuple[str, str | None], ...]  # every name of CATALOGUE_ATTRIBUTES, with its value


class ItemCache:
    """Keeps items from batch to batch. Owns the catalogue client and its threads."""

    def __init__(self, settings: ProcessorSettings, clock: Callable[[], float] = time.time) -> None:
        """The clock is not the monotonic one: that may stand still while Lambda freezes the function."""
        self._settings = settings
        self._clock = clock
        self._cache: dict[str, tuple[CatalogueItem, float]] = {}
        nothing = tuple((name, None) for name in settings.catalogue_attributes)
        self.none = CatalogueItem("none", nothing)
        self._not_found = CatalogueItem("not_found", nothing)
        self._unavailable = CatalogueItem("unavailable", nothing)
        self.catalogue = CatalogueClient(settings.catalogue_url, settings.catalogue_connections)
        self.threads = ThreadPoolExecutor(settings.catalogue_connections, "catalogue")

    def get_fresh(self, item_id: str) -> CatalogueItem | None:
        """Return the item if it needs no fetch: the entry is young enough, or there is no catalogue."""
        if not self._settings.catalogue_url:
            return self.none
        item, age_seconds = self._get(item_id)
        was_found = item is not None and item.lookup == "found"
        limit = (
            self._settings.catalogue_cache_seconds if was_found else self._settings.catalogue_unknown_seconds
        )
        return item if age_seconds < limit else None

    def get_stale(self, item_id: str) -> CatalogueItem:
        """Return an old entry to use while the catalogue is down.

        An old "not found" does not count, because the item may exist by now.
        """
        item, age_seconds = self._get(item_id)
        if item and item.lookup == "found" and age_seconds < self._settings.catalogue_stale_seconds:
            return item
        return self._unavailable

    def store(self, item_id: str, item: CatalogueItem) -> None:
        self._cache.pop(item_id, None)  # keeps the dict in the order of age, so the first entry is the oldest
        self._cache[item_id] = (item, self._clock())
        if len(self._cache) > self._settings.catalogue_cache_items:
            del self._cache[next(iter(self._cache))]

    def to_item(self, document: Mapping[str, Any] | None) -> CatalogueItem:
        """Build the item from the catalogue's document; None stands for "no such item"."""
        if document is None:
            return self._not_found
        names = self._settings.catalogue_attributes
        return CatalogueItem("found", tuple((name, _to_text(document.get(name))) for name in names))

    def _get(self, item_id: str) -> tuple[CatalogueItem | None, float]:
        item, since = self._cache.get(item_id, (None, 0.0))
        return item, self._clock() - since


class BatchLookup:
    """The lookup of one batch: add the item ids, then fetch those that have no fresh entry in the cache."""

    def __init__(self, items: ItemCache) -> None:
        self.known: dict[str | None, CatalogueItem] = {None: items.none, "": items.none}
        self.calls = 0
        self.milliseconds = 0
        self._items = items
        self._missing: set[str] = set()
        self._deadline = 0.0
        self._failures_in_a_row = 0
        self._lock = Lock()  # several threads count the calls

    def add(self, ids: Collection[str | None]) -> bool:
        """Return True if all of these items are known, so that their clicks need not wait."""
        for item_id in ids:
            if item_id not in self.known and item_id is not None:
                item = self._items.get_fresh(item_id)
                if item is None:
                    self._missing.add(item_id)
                else:
                    self.known[item_id] = item
        return self._missing.isdisjoint(ids)

    def fetch_missing(self, seconds: float) -> None:
        """Fetch within this time. Afterwards `known` has an entry for every id that was added."""
        if not self._missing:
            return
        started = time.monotonic()
        self._deadline = started + seconds
        fetched = self._fetch_all()
        for item_id in self._missing:
            self.known[item_id] = fetched.get(item_id) or self._items.get_stale(item_id)
        self.milliseconds = round((time.monotonic() - started) * 1000)

    def _fetch_all(self) -> dict[str, CatalogueItem]:
        """Return the items that the catalogue delivered before the deadline."""
        futures = {self._items.threads.submit(self._fetch, item_id): item_id for item_id in self._missing}
        done, late = wait(futures, timeout=self._deadline - time.monotonic())
        if late:
            for future in late:
                future.cancel()
            self._items.catalogue.abort_in_flight()
        self._items.catalogue.close_idle()  # an idle connection can die unnoticed while Lambda freezes us
        succeeded = (future for future in done if future.exception() is None)  # a bug must not fail the batch
        fetched = {futures[future]: item for future in succeeded if (item := future.result())}
        for item_id, item in fetched.items():
            self._items.store(item_id, item)
        return fetched

    def _fetch(self, item_id: str) -> CatalogueItem | None:
        """Return None if the catalogue gave no usable response."""
        for _ in range(ATTEMPTS):
            if self._failures_in_a_row >= FAILURE_THRESHOLD or time.monotonic() > self._deadline:
                return None
            with self._lock:
                self.calls += 1
            with suppress(CatalogueError):
                document = self._items.catalogue.get(item_id)
                self._failures_in_a_row = 0
                return self._items.to_item(document)
        self._failures_in_a_row += 1
        return None


def _to_text(value: Any) -> str | None:
    """Return numbers and booleans as JSON. Drop nested values and texts that are empty or too long."""
    if isinstance(value, (int, float)):
        return msgspec.json.encode(value).decode()
    return value if isinstance(value, str) and 0 < len(value) <= MAX_ATTRIBUTE_CHARACTERS else None
