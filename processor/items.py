"""The items of a batch: asked for several at once, each once, cached, and all of them in the batch's time."""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
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


class Lookup(NamedTuple):
    items: Mapping[str | None, Item]  # "none" for whatever was not looked up
    calls: int
    milliseconds: int


class Items:
    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        """The clock is not the monotonic one, which may stand still while Lambda has the function frozen."""
        self._settings = settings
        self._clock = clock
        self._cache: dict[str, tuple[Item, float]] = {}
        self._catalogue = Catalogue(settings.catalogue_url, settings.catalogue_connections)
        self._threads = ThreadPoolExecutor(settings.catalogue_connections, "catalogue")
        nothing = tuple((name, None) for name in settings.catalogue_attributes)
        self._none = Item("none", nothing)
        self._unknown = Item("unknown item", nothing)
        self._unavailable = Item("unavailable", nothing)

    def look_up(self, ids: Iterable[str | None], seconds: float) -> Lookup:
        """Something for every id, within the time given."""
        started = time.monotonic()
        asking = _Asking(deadline=started + seconds)
        wanted = {item_id for item_id in ids if item_id} if self._settings.catalogue_url else set()
        items = {item_id: item for item_id in wanted if (item := self._fresh(item_id))}
        if missing := wanted - items.keys():
            answers = self._ask(missing, asking)
            items |= {item_id: answers.get(item_id) or self._stale(item_id) for item_id in missing}
        milliseconds = round((time.monotonic() - started) * 1000)
        return Lookup(defaultdict(lambda: self._none, items), asking.calls, milliseconds)  # type: ignore[arg-type]

    def _ask(self, ids: Collection[str], asking: "_Asking") -> dict[str, Item]:
        """What the catalogue answered before the deadline."""
        futures = {self._threads.submit(self._fetch, item_id, asking): item_id for item_id in ids}
        done, late = wait(futures, timeout=asking.deadline - time.monotonic())
        if late:
            for future in late:
                future.cancel()
            self._catalogue.cut()
        good = (future for future in done if future.exception() is None)  # a surprise is no answer either
        answers = {futures[future]: item for future in good if (item := future.result())}
        for item_id, item in answers.items():
            self._remember(item_id, item)
        return answers

    def _fetch(self, item_id: str, asking: "_Asking") -> Item | None:
        """None if the catalogue gives no answer that can be used."""
        for _ in range(ATTEMPTS):
            if asking.is_over():
                return None
            asking.count_call()
            with suppress(CatalogueError):
                document = self._catalogue.get(item_id)
                asking.failures_in_a_row = 0
                return self._unknown if document is None else Item("ok", self._attributes_of(document))
        asking.failures_in_a_row += 1
        return None

    def _attributes_of(self, document: Mapping[str, Any]) -> tuple[tuple[str, str | None], ...]:
        return tuple((name, _to_text(document.get(name))) for name in self._settings.catalogue_attributes)

    def _remember(self, item_id: str, item: Item) -> None:
        self._cache.pop(item_id, None)  # the cache is in the order of its answers' age
        self._cache[item_id] = (item, self._clock())
        if len(self._cache) > self._settings.catalogue_cache_items:
            del self._cache[next(iter(self._cache))]

    def _fresh(self, item_id: str) -> Item | None:
        item, age_seconds = self._recall(item_id)
        is_known = item is not None and item.enrichment == "ok"
        limit = (
            self._settings.catalogue_cache_seconds if is_known else self._settings.catalogue_unknown_seconds
        )
        return item if age_seconds < limit else None

    def _stale(self, item_id: str) -> Item:
        """What the catalogue once told of the item; not that it had none, which may have changed since."""
        item, age_seconds = self._recall(item_id)
        if item and item.enrichment == "ok" and age_seconds < self._settings.catalogue_stale_seconds:
            return item
        return self._unavailable

    def _recall(self, item_id: str) -> tuple[Item | None, float]:
        item, since = self._cache.get(item_id, (None, 0.0))
        return item, self._clock() - since


class _Asking:
    """One batch's calls, made by several threads."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.calls = 0
        self.failures_in_a_row = 0
        self._lock = Lock()

    def is_over(self) -> bool:
        return self.failures_in_a_row >= GIVE_UP_AFTER or time.monotonic() > self.deadline

    def count_call(self) -> None:
        with self._lock:
            self.calls += 1


def _to_text(value: Any) -> str | None:
    """A number or a boolean is kept as JSON writes it; what is not plain, or too long, is left out."""
    if isinstance(value, (int, float)):
        return msgspec.json.encode(value).decode()
    return value if isinstance(value, str) and 0 < len(value) <= MAX_ATTRIBUTE_CHARACTERS else None
