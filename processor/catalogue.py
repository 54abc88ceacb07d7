"""An item's attributes by its id, over HTTP, cached. Whatever it does, a batch is answered in its time."""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Lock
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

import msgspec

from processor.fetch import Fetcher, FetchError
from processor.settings import Settings

ATTEMPTS = 2
GIVE_UP_AFTER = 16  # items in a row that failed: the catalogue is down, the rest of the batch is not asked
MAX_ATTRIBUTE_CHARACTERS = 256  # each click of the item repeats it: the answer's limit wants a bound

# An id reaches its own path segment and no other; these two are no segment: clients and servers resolve them.
NO_SEGMENT = (".", "..")

Enrichment = Literal["ok", "unknown item", "unavailable", "none"]


class Item(NamedTuple):
    enrichment: Enrichment
    attributes: tuple[str | None, ...]  # in the order of the settings


class Lookup(NamedTuple):
    items: Mapping[str | None, Item]  # for whatever was not looked up: "none"
    calls: int
    milliseconds: int


class Catalogue:
    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock  # not the monotonic one, which need not run while Lambda has the function frozen
        self._cache: dict[str, tuple[Item, float]] = {}
        self._fetcher = Fetcher(settings.catalogue_connections)
        self._threads = ThreadPoolExecutor(settings.catalogue_connections, "catalogue")
        nothing = (None,) * len(settings.catalogue_attributes)
        self._none = Item("none", nothing)
        self._unknown = Item("unknown item", nothing)
        self._unavailable = Item("unavailable", nothing)

    def look_up(self, ids: Iterable[str | None], seconds: float) -> Lookup:
        """Answers for every id, within the time given."""
        started = time.monotonic()
        wanted = {item_id for item_id in ids if item_id} if self._settings.catalogue_url else set()
        items: dict[str | None, Item] = {
            item_id: item for item_id in wanted if (item := self._fresh(item_id))
        }
        asking = _Asking(deadline=started + seconds)
        if missing := wanted - items.keys():
            answers = self._ask(missing, asking)
            items |= {item_id: answers.get(item_id) or self._stale(item_id) for item_id in missing}
        milliseconds = round((time.monotonic() - started) * 1000)
        return Lookup(defaultdict(lambda: self._none, items), asking.calls, milliseconds)

    def _ask(self, ids: Collection[str], asking: "_Asking") -> dict[str, Item]:
        """What the catalogue answered before the deadline."""
        futures = {self._threads.submit(self._fetch, item_id, asking): item_id for item_id in ids}
        done, late = wait(futures, timeout=asking.deadline - time.monotonic())
        if late:
            for future in late:
                future.cancel()
            self._fetcher.cut()
        answers = {futures[future]: item for future in done if (item := future.result())}
        for item_id, item in answers.items():
            self._remember(item_id, item)
        return answers

    def _fetch(self, item_id: str, asking: "_Asking") -> Item | None:
        """None if the catalogue gives no answer that can be used."""
        if item_id in NO_SEGMENT:
            return self._unknown
        url = self._settings.catalogue_url.replace("{id}", quote(item_id, safe=""))
        for _ in range(ATTEMPTS):
            if time.monotonic() > asking.deadline or asking.failures_in_a_row >= GIVE_UP_AFTER:
                return None
            asking.count_call()
            try:
                item = self._to_item(self._fetcher.get(url))
            except (FetchError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
            asking.failures_in_a_row = 0
            return item
        asking.failures_in_a_row += 1
        return None

    def _to_item(self, body: bytes | None) -> Item:
        """Raises what msgspec raises for a body that is no JSON object."""
        if body is None:
            return self._unknown
        document = msgspec.json.decode(body, type=dict[str, Any])
        return Item("ok", tuple(_to_text(document.get(name)) for name in self._settings.catalogue_attributes))

    def _remember(self, item_id: str, item: Item) -> None:
        self._cache.pop(item_id, None)  # so that the order of the cache is that of its answers' age
        self._cache[item_id] = (item, self._clock())
        if len(self._cache) > self._settings.catalogue_cache_items:
            del self._cache[next(iter(self._cache))]

    def _fresh(self, item_id: str) -> Item | None:
        item, age = self._recall(item_id)
        known = item is not None and item.enrichment == "ok"
        seconds = (
            self._settings.catalogue_cache_seconds if known else self._settings.catalogue_unknown_seconds
        )
        return item if age < seconds else None

    def _stale(self, item_id: str) -> Item:
        """While the catalogue is down: what it once told of the item, but not that it had none of that id."""
        item, age = self._recall(item_id)
        if item is not None and item.enrichment == "ok" and age < self._settings.catalogue_stale_seconds:
            return item
        return self._unavailable

    def _recall(self, item_id: str) -> tuple[Item | None, float]:
        item, since = self._cache.get(item_id, (None, 0.0))
        return item, self._clock() - since


class _Asking:
    """One batch's calls, from several threads."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.calls = 0
        self.failures_in_a_row = 0  # roughly: two threads may count one
        self._lock = Lock()

    def count_call(self) -> None:
        with self._lock:
            self.calls += 1


def _to_text(value: Any) -> str | None:
    """Attributes are plain: a number or a boolean is kept as JSON writes it, anything else is left out."""
    if not isinstance(value, str):
        value = msgspec.json.encode(value).decode() if isinstance(value, (int, float)) else ""
    return value if 0 < len(value) <= MAX_ATTRIBUTE_CHARACTERS else None
