"""The item lookups of one batch: few enough, and in an order that lets no sender hold up another's clicks.

Anybody can send ids that the catalogue does not know. So a batch asks for a limited number of ids. It asks
for known-good ids first. Among the others, an envelope whose ids turn out to be unknown goes to the back of
the queue. Clicks whose id was not asked say so, and `clicklake reenrich` completes them later.
"""

import time
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Lock
from typing import NamedTuple

from processor.catalogue import CatalogueError, ItemRefusedError
from processor.items import CatalogueItem, ItemCache

ATTEMPTS = 2
FAILURE_THRESHOLD = 16  # items that failed in a row: the catalogue is down, stop asking for this batch


class LookupAnswer(NamedTuple):
    item_id: str
    item: CatalogueItem | None  # None: no usable response
    is_refused: bool = False  # the catalogue works, but does not take this id


class EnvelopeQueue:
    """The new ids of one envelope, in the order of its clicks."""

    def __init__(self, position: int, ids: list[str]) -> None:
        self.ids = iter(ids)
        self._position = position
        self.turns = 0
        self.unknown = 0

    @property
    def rank(self) -> tuple[int, int, int]:
        """Sort by this: every envelope's first id comes before any second one. It never becomes smaller."""
        return self.unknown, self.turns, self._position


class BatchLookup:
    """The lookup of one batch: add the ids of each envelope, then fetch those without a fresh answer."""

    def __init__(self, items: ItemCache) -> None:
        self.known: dict[str | None, CatalogueItem] = {None: items.none, "": items.none}
        self.calls = 0
        self.milliseconds = 0
        self._items = items
        self._limits = items.settings
        self._known_good: dict[str, None] = {}  # an ordered set
        self._new: set[str] = set()
        self._envelopes: list[EnvelopeQueue] = []
        self._asked: set[str] = set()
        self._unknown = 0
        self._failures_in_a_row = 0
        self._lock = Lock()  # several threads count the calls

    def add(self, ids: Sequence[str | None]) -> bool:
        """Add one envelope's ids. Return True if all of these items are known: its clicks need not wait."""
        new: dict[str, None] = {}
        for item_id in ids:
            if item_id not in self.known and item_id is not None:
                item = self._items.get_fresh(item_id)
                if item is not None:
                    self.known[item_id] = item
                elif self._items.has_been_found(item_id):
                    self._known_good[item_id] = None
                else:
                    new[item_id] = None
        if new:
            self._new.update(new)
            queued = list(islice(new, self._limits.catalogue_ids_per_envelope))
            self._envelopes.append(EnvelopeQueue(len(self._envelopes), queued))
        return not new and self._known_good.keys().isdisjoint(ids)

    def fetch_missing(self, seconds: float) -> None:
        """Fetch within this time. Afterwards `known` has an entry for every id that was added."""
        if not self._new and not self._known_good:
            return
        started = time.monotonic()
        # An old answer serves where there is no new one, so half of the ids and of the time is for new ids.
        refreshed = islice(self._known_good, self._limits.catalogue_ids_per_batch // 2)
        self._fetch(((item_id, None) for item_id in refreshed), started + seconds / 2)
        self._fetch(self._in_turn(), started + seconds)
        self._items.catalogue.close_idle()  # an idle connection can die unnoticed while Lambda freezes us
        is_over = self._is_catalogue_down() or time.monotonic() > started + seconds
        rest = self._items.unavailable if is_over else self._items.not_asked
        for item_id in (*self._known_good, *self._new):
            if item_id not in self.known:
                failed = self._items.unavailable if item_id in self._asked else rest
                self.known[item_id] = self._items.get_stale(item_id) or failed
        self.milliseconds = round((time.monotonic() - started) * 1000)

    def _in_turn(self) -> Iterator[tuple[str, EnvelopeQueue]]:
        """Yield the next id of the envelope with the lowest rank, again and again."""
        queue = [(envelope.rank, envelope) for envelope in self._envelopes]  # sorted, so it is a heap
        while queue:
            rank, envelope = heappop(queue)
            if rank == envelope.rank:  # otherwise an answer has put it back meanwhile
                if envelope.unknown and self._unknown >= self._limits.catalogue_unknown_per_batch / 10:
                    return  # somebody makes up ids, and all envelopes that are left have such an id
                item_id = next(envelope.ids, None)
                if item_id is None:
                    continue
                envelope.turns += 1
                if item_id not in self._asked:  # another envelope may have asked for it
                    yield item_id, envelope
            heappush(queue, (envelope.rank, envelope))

    def _fetch(self, ids: Iterator[tuple[str, EnvelopeQueue | None]], deadline: float) -> None:
        """Fetch and store these ids, several at once, until the deadline or a limit is reached."""
        answers: SimpleQueue[LookupAnswer] = SimpleQueue()
        in_flight: dict[str, EnvelopeQueue | None] = {}
        while True:
            while len(in_flight) < self._limits.catalogue_connections and self._may_ask(deadline):
                item_id, envelope = next(ids, (None, None))
                if item_id is None:
                    break
                self._asked.add(item_id)
                in_flight[item_id] = envelope
                self._items.threads.submit(self._ask, item_id, deadline, answers)
            if not in_flight:
                return
            try:
                answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                self._items.catalogue.abort_in_flight()
                return
            self._take(answer, in_flight.pop(answer.item_id))

    def _may_ask(self, deadline: float) -> bool:
        return (
            len(self._asked) < self._limits.catalogue_ids_per_batch
            and self._unknown < self._limits.catalogue_unknown_per_batch
            and not self._is_catalogue_down()
            and time.monotonic() < deadline
        )

    def _is_catalogue_down(self) -> bool:
        return self._failures_in_a_row >= FAILURE_THRESHOLD

    def _take(self, answer: LookupAnswer, envelope: EnvelopeQueue | None) -> None:
        has_failed = answer.item is None and not answer.is_refused
        self._failures_in_a_row = self._failures_in_a_row + 1 if has_failed else 0
        if envelope is not None and (answer.item is None or answer.item.lookup != "found"):
            envelope.unknown += 1
            self._unknown += not has_failed
        if answer.item is not None:
            self.known[answer.item_id] = answer.item
            self._items.store(answer.item_id, answer.item)

    def _ask(self, item_id: str, deadline: float, answers: SimpleQueue[LookupAnswer]) -> None:
        """Runs in a thread. Puts exactly one answer, whatever happens."""
        answer = LookupAnswer(item_id, None)
        try:
            answer = self._ask_catalogue(item_id, deadline)
        finally:  # a bug must not fail the batch
            answers.put(answer)

    def _ask_catalogue(self, item_id: str, deadline: float) -> LookupAnswer:
        def count_call() -> None:
            if time.monotonic() > deadline:
                raise CatalogueError("no time left")
            with self._lock:
                self.calls += 1

        for _ in range(ATTEMPTS):
            try:
                document = self._items.catalogue.get(item_id, count_call)
                return LookupAnswer(item_id, self._items.to_item(document))
            except ItemRefusedError:
                return LookupAnswer(item_id, None, is_refused=True)
            except CatalogueError:
                continue
        return LookupAnswer(item_id, None)
