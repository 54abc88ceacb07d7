"""The items of a batch: each asked for once, several at once, remembered, and all within the time it has."""

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from threading import Lock
from typing import Any, Literal, NamedTuple

import msgspec

from processor.catalogue import Catalogue, CatalogueError
from processor.settings import Settings

ATTEMPTS = 2
GIVE_UP_AFTER = 16  # items in a row that failed: the catalogue is down, the rest of the batch is not asked
MAX_ATTRIBUTE_CHARACTERS = 256  # every click of an item repeats it, and the answer has a limit

Enrichment = Literal["ok", "unknown item", "unavailable", "none"]


class Item(NamedTuple):
    enrichment: Enrichment
    attributes: tuple[tuple[str, str | None], ...]  # by the names of the settings, all of them


class Items:
    """What is remembered from batch to batch."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        """The clock is not the monotonic one, which may stand still while Lambda has the function frozen."""
        self._settings = settings
        self._clock = clock
        self._cache: dict[str, tuple[Item, float]] = {}
        nothing = tuple((name, None) for name in settings.catalogue_attributes)
        self.none = Item("none", nothing)
        self._unknown = Item("unknown item", nothing)
        self._unavailable = Item("unavailable", nothing)
        self.catalogue = Catalogue(settings.catalogue_url, settings.catalogue_connections)
        self.threads = ThreadPoolExecutor(settings.catalogue_connections, "catalogue")

    def fresh(self, item_id: str) -> Item | None:
        """What is known without asking."""
        if not self._settings.catalogue_url:
            return self.none
        item, age_seconds = self._recall(item_id)
        is_known = item is not None and item.enrichment == "ok"
        limit = (
            self._settings.catalogue_cache_seconds if is_known else self._settings.catalogue_unknown_seconds
        )
        return item if age_seconds < limit else None

    def stale(self, item_id: str) -> Item:
        """What the catalogue once told of the item; not that it had none, which may have changed since."""
        item, age_seconds = self._recall(item_id)
        if item and item.enrichment == "ok" and age_seconds < self._settings.catalogue_stale_seconds:
            return item
        return self._unavailable

    def remember(self, item_id: str, item: Item) -> None:
        self._cache.pop(item_id, None)  # the cache is in the order of its answers' age
        self._cache[item_id] = (item, self._clock())
        if len(self._cache) > self._settings.catalogue_cache_items:
            del self._cache[next(iter(self._cache))]

    def to_item(self, document: Mapping[str, Any] | None) -> Item:
        if document is None:
            return self._unknown
        names = self._settings.catalogue_attributes
        return Item("ok", tuple((name, _to_text(document.get(name))) for name in names))

    def _recall(self, item_id: str) -> tuple[Item | None, float]:
        item, since = self._cache.get(item_id, (None, 0.0))
        return item, self._clock() - since


class Lookup:
    """One batch's: its ids are noted, then those are asked for of which nothing fresh is known."""

    def __init__(self, items: Items) -> None:
        self.known: dict[str | None, Item] = {None: items.none, "": items.none}
        self.calls = 0
        self.milliseconds = 0
        self._items = items
        self._missing: set[str] = set()
        self._deadline = 0.0
        self._failures_in_a_row = 0
        self._lock = Lock()  # several threads count the calls

    def note(self, ids: Collection[str | None]) -> bool:
        """Whether all of them are known, so that nothing needs to wait."""
        for item_id in ids:
            if item_id not in self.known and item_id is not None:
                item = self._items.fresh(item_id)
                if item is None:
                    self._missing.add(item_id)
                else:
                    self.known[item_id] = item
        return self._missing.isdisjoint(ids)

    def ask(self, seconds: float) -> None:
        """Within this time something is known of everything noted."""
        if not self._missing:
            return
        started = time.monotonic()
        self._deadline = started + seconds
        answers = self._answers()
        for item_id in self._missing:
            self.known[item_id] = answers.get(item_id) or self._items.stale(item_id)
        self.milliseconds = round((time.monotonic() - started) * 1000)

    def _answers(self) -> dict[str, Item]:
        """What the catalogue says before the deadline."""
        futures = {self._items.threads.submit(self._fetch, item_id): item_id for item_id in self._missing}
        done, late = wait(futures, timeout=self._deadline - time.monotonic())
        if late:
            for future in late:
                future.cancel()
            self._items.catalogue.cut()
        self._items.catalogue.hang_up()  # while Lambda has the function frozen, connections die unseen
        good = (future for future in done if future.exception() is None)  # a surprise is no answer either
        answers = {futures[future]: item for future in good if (item := future.result())}
        for item_id, item in answers.items():
            self._items.remember(item_id, item)
        return answers

    def _fetch(self, item_id: str) -> Item | None:
        """None if the catalogue gives no answer that can be used."""
        for _ in range(ATTEMPTS):
            if self._failures_in_a_row >= GIVE_UP_AFTER or time.monotonic() > self._deadline:
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
    """A number or a boolean is kept as JSON writes it; what is not plain, or too long, is left out."""
    if isinstance(value, (int, float)):
        return msgspec.json.encode(value).decode()
    return value if isinstance(value, str) and 0 < len(value) <= MAX_ATTRIBUTE_CHARACTERS else None
