"""The catalogue's items as far as they are known, kept from batch to batch."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, NamedTuple

import msgspec

from processor.catalogue import CatalogueClient
from processor.settings import ProcessorSettings

MAX_ITEM_ID_CHARACTERS = 128  # the ingest app's limit; a legacy click may say more
MAX_ATTRIBUTE_CHARACTERS = 256  # every click on the item repeats the attribute, and the response has a limit
MAX_NOT_FOUND_CACHED = 1000  # anybody can make up ids, so these live in a small cache of their own

LookupResult = Literal["found", "not_found", "unavailable", "not_asked", "none"]


class CatalogueItem(NamedTuple):
    lookup: LookupResult
    attributes: tuple[tuple[str, str | None], ...]  # every name of CATALOGUE_ATTRIBUTES, with its value


class ItemCache:
    """Keeps items from batch to batch. Owns the catalogue client and its threads.

    Found items and "not found" are cached apart, so that made-up ids never displace an item.
    """

    def __init__(self, settings: ProcessorSettings, clock: Callable[[], float] = time.time) -> None:
        """The clock is not the monotonic one: that may stand still while Lambda freezes the function."""
        self.settings = settings
        self._clock = clock
        self._found: dict[str, tuple[CatalogueItem, float]] = {}  # the least recently used item first
        self._not_found_since: dict[str, float] = {}  # the oldest answer first
        nothing = tuple((name, None) for name in settings.catalogue_attributes)
        self.none = CatalogueItem("none", nothing)
        self.not_found = CatalogueItem("not_found", nothing)
        self.unavailable = CatalogueItem("unavailable", nothing)
        self.not_asked = CatalogueItem("not_asked", nothing)
        self.catalogue = CatalogueClient(settings.catalogue_url, settings.catalogue_connections)
        self.threads = ThreadPoolExecutor(settings.catalogue_connections, "catalogue")

    def get_fresh(self, item_id: str) -> CatalogueItem | None:
        """Return the item if it needs no fetch: the answer is young enough, or no answer could be "found"."""
        if not self.settings.catalogue_url:
            return self.none
        entry = self._found.pop(item_id, None)
        if entry is not None:
            self._found[item_id] = entry  # now the most recently used
            return entry[0] if self._is_younger(entry[1], self.settings.catalogue_cache_seconds) else None
        since = self._not_found_since.get(item_id)
        if since is not None and self._is_younger(since, self.settings.catalogue_unknown_seconds):
            return self.not_found
        return None if self._may_exist(item_id) else self.not_found

    def has_been_found(self, item_id: str) -> bool:
        """Return True for a known-good id: the catalogue's last answer was the item, however old."""
        return item_id in self._found

    def get_stale(self, item_id: str) -> CatalogueItem | None:
        """Return an old item to use while the catalogue is down.

        An old "not found" does not count, because the item may exist by now.
        """
        entry = self._found.get(item_id)
        if entry and self._is_younger(entry[1], self.settings.catalogue_stale_seconds):
            return entry[0]
        return None

    def store(self, item_id: str, item: CatalogueItem) -> None:
        self._found.pop(item_id, None)
        self._not_found_since.pop(item_id, None)
        if item.lookup == "found":
            self._found[item_id] = (item, self._clock())
            _evict_first(self._found, self.settings.catalogue_cache_items)
        else:
            self._not_found_since[item_id] = self._clock()
            _evict_first(self._not_found_since, MAX_NOT_FOUND_CACHED)

    def to_item(self, document: Mapping[str, Any] | None) -> CatalogueItem:
        """Build the item from the catalogue's document; None stands for "no such item"."""
        if document is None:
            return self.not_found
        names = self.settings.catalogue_attributes
        return CatalogueItem("found", tuple((name, _to_text(document.get(name))) for name in names))

    def _may_exist(self, item_id: str) -> bool:
        if len(item_id) > MAX_ITEM_ID_CHARACTERS:
            return False
        pattern = self.settings.item_id_pattern
        return pattern is None or pattern.fullmatch(item_id) is not None

    def _is_younger(self, since: float, seconds: int) -> bool:
        return self._clock() - since < seconds


def _evict_first(cache: dict[str, Any], limit: int) -> None:
    if len(cache) > limit:
        del cache[next(iter(cache))]


def _to_text(value: Any) -> str | None:
    """Return numbers and booleans as JSON. Drop nested values, and texts that are empty or too long."""
    if isinstance(value, (int, float)):
        value = msgspec.json.encode(value).decode()
    return value if isinstance(value, str) and 0 < len(value) <= MAX_ATTRIBUTE_CHARACTERS else None
