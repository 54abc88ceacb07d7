"""The order and the limits of a batch's lookups: no sender holds up the clicks of another."""

import time
from collections import Counter
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.lookup import ATTEMPTS, FAILURE_THRESHOLD, BatchLookup
from processor.settings import ProcessorSettings
from tests.processor.in_process_catalogue import InProcessCatalogue, Reply, item_reply
from tests.processor.lookups import Lookups, down, missing

LIMITS = ProcessorSettings()
CONNECTIONS = LIMITS.catalogue_connections


def only_good(item_id: str) -> Reply:
    return item_reply() if item_id.startswith("good") else missing(item_id)


def made_up(envelope: int, count: int = 500) -> list[str]:
    return [f"made-up-{envelope}-{number}" for number in range(count)]


def good(first: int, last: int) -> list[str]:
    return [f"good-{number}" for number in range(first, last)]


def order_of(catalogue: InProcessCatalogue) -> list[str]:
    return [path.rpartition("/")[2] for path in catalogue.calls]


def results_of(lookup: BatchLookup) -> Counter[str]:
    return Counter(item.lookup for item_id, item in lookup.known.items() if item_id)


@pytest.mark.parametrize(("senders", "ids_each"), [(13, 500), (1, 500), (90, 2), (90, 1)])
def test_made_up_ids_do_not_hold_up_the_items_of_others(
    catalogue: InProcessCatalogue, senders: int, ids_each: int
) -> None:
    """Then come 200 honest clicks, on items that nobody has clicked before."""
    catalogue.reply = only_good
    envelopes = [made_up(number, ids_each) for number in range(senders)] + [[each] for each in good(0, 200)]
    lookup = Lookups(catalogue).batch(envelopes)
    results = results_of(lookup)
    assert (results["found"], results["unavailable"]) == (200, 0)
    assert results["not_found"] <= max(senders, LIMITS.catalogue_unknown_per_batch / 10) + CONNECTIONS
    assert lookup.calls == results["found"] + results["not_found"]


def test_a_thousand_senders_of_made_up_ids_do_not_keep_a_batch_busy(catalogue: InProcessCatalogue) -> None:
    catalogue.reply = only_good
    lookup = Lookups(catalogue).batch([made_up(number, 3) for number in range(1000)])
    assert lookup.calls <= LIMITS.catalogue_unknown_per_batch + CONNECTIONS - 1
    assert results_of(lookup)["not_asked"] >= 3000 - lookup.calls


def test_after_a_tenth_of_the_unknown_ids_an_envelope_may_have_one(catalogue: InProcessCatalogue) -> None:
    catalogue.reply = only_good
    lookups = Lookups(catalogue, catalogue_connections=1, catalogue_unknown_per_batch=20)
    lookup = lookups.batch([["x-1", "x-2"], ["x-3", "good-1"], ["good-2", "good-3", "x-4", "good-4"]])
    assert order_of(catalogue) == ["x-1", "x-3", "good-2", "good-3", "x-4"]
    assert lookup.known["good-1"].lookup == "not_asked"


def test_the_first_id_of_each_envelope_comes_before_any_second(catalogue: InProcessCatalogue) -> None:
    lookups = Lookups(catalogue, catalogue_connections=1)
    lookups.batch([["a1", "a2", "a3"], ["b1", "b2"], ["c1"]])
    assert order_of(catalogue) == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_an_envelope_with_unknown_ids_goes_to_the_back_of_the_queue(catalogue: InProcessCatalogue) -> None:
    catalogue.reply = lambda item_id: missing(item_id) if item_id.startswith("a") else item_reply()
    lookups = Lookups(catalogue, catalogue_connections=1)
    lookups.batch([["a1", "a2", "a3"], ["b1", "b2", "b3"], ["c1"]])
    assert order_of(catalogue) == ["a1", "b1", "c1", "b2", "b3", "a2", "a3"]


def test_an_id_of_two_envelopes_is_asked_once_and_in_the_turn_of_the_first(
    catalogue: InProcessCatalogue,
) -> None:
    """Whoever hides an item behind made-up ids does not hold it up for others."""
    catalogue.reply = only_good
    lookup = Lookups(catalogue, catalogue_connections=1).batch([[*made_up(0, 99), "good-1"], ["good-1"]])
    assert lookup.known["good-1"].lookup == "found"
    assert order_of(catalogue)[:2] == ["made-up-0-0", "good-1"]
    assert catalogue.calls["/mysfits/good-1"] == 1


def test_known_good_ids_are_asked_first(catalogue: InProcessCatalogue) -> None:
    lookups = Lookups(catalogue, catalogue_connections=1)
    lookups("old")
    lookups.clock.now += LIMITS.catalogue_cache_seconds
    catalogue.forget_calls()
    lookups.batch([["new-1", "new-2"], ["new-3", "old"]])
    assert order_of(catalogue) == ["old", "new-1", "new-3", "new-2"]


def test_the_ids_of_an_envelope_and_of_a_batch_are_limited(catalogue: InProcessCatalogue) -> None:
    """Also where each of them is a real item."""
    lookups = Lookups(catalogue)
    envelopes = [[f"{envelope}-{number}" for number in range(200)] for envelope in range(10)]
    lookup = lookups.batch(envelopes)
    by_envelope = Counter(item_id.partition("-")[0] for item_id in order_of(catalogue))
    assert len(catalogue.calls) == LIMITS.catalogue_ids_per_batch
    assert set(by_envelope.values()) == {LIMITS.catalogue_ids_per_batch // 10}
    lookups.batch(envelopes[:1])
    by_envelope = Counter(item_id.partition("-")[0] for item_id in order_of(catalogue))
    assert by_envelope["0"] <= LIMITS.catalogue_ids_per_batch // 10 + LIMITS.catalogue_ids_per_envelope
    assert Counter(item.lookup for item_id, item in lookup.known.items() if item_id) == {
        "found": LIMITS.catalogue_ids_per_batch,
        "not_asked": 2000 - LIMITS.catalogue_ids_per_batch,
    }


def test_old_answers_beyond_the_limit_still_serve(catalogue: InProcessCatalogue) -> None:
    """Whoever names every known item after five minutes does not make the processor ask for all of them."""
    lookups = Lookups(catalogue)
    for first in (0, 400):
        lookups.batch([[each] for each in good(first, first + 400)])
    lookups.clock.now += LIMITS.catalogue_cache_seconds
    catalogue.forget_calls()
    lookup = lookups.batch([good(0, 800), ["new"]])
    assert {item.lookup for item_id, item in lookup.known.items() if item_id} == {"found"}
    assert len(catalogue.calls) == LIMITS.catalogue_ids_per_batch // 2 + 1
    assert "new" in order_of(catalogue)


def test_what_was_not_asked_is_asked_by_the_next_batch(catalogue: InProcessCatalogue) -> None:
    lookups = Lookups(catalogue, catalogue_ids_per_batch=2)
    assert lookups("a", "b", "c") == ["found: Chimera", "found: Chimera", "not_asked"]
    assert lookups("a", "b", "c") == 3 * ["found: Chimera"]


def test_known_good_ids_have_half_of_the_time(catalogue: InProcessCatalogue) -> None:
    is_over = Event()

    def hang_for_old(item_id: str) -> Reply:
        if item_id.startswith("good"):
            is_over.wait()
        return item_reply()

    lookups = Lookups(catalogue, catalogue_connections=8)
    lookups(*good(0, 4))
    lookups.clock.now += LIMITS.catalogue_cache_seconds
    catalogue.reply = hang_for_old
    started = time.monotonic()
    try:
        assert lookups("new", *good(0, 4), seconds=0.4) == 5 * ["found: Chimera"]
    finally:
        is_over.set()
    assert time.monotonic() - started < 0.4


def test_ids_that_the_catalogue_refuses_are_not_an_outage(catalogue: InProcessCatalogue) -> None:
    """Otherwise ids that no catalogue takes would keep everybody's new items from being asked."""
    catalogue.reply = lambda item_id: item_reply() if item_id == "good" else Reply(400)
    lookups = Lookups(catalogue, catalogue_connections=1, catalogue_unknown_per_batch=100)
    refused = made_up(0, 2 * FAILURE_THRESHOLD)
    lookup = lookups.batch([[item_id] for item_id in refused] + [["good"]])
    assert lookup.known["good"].lookup == "found"
    assert {lookup.known[item_id].lookup for item_id in refused} == {"unavailable"}
    assert lookup.calls == len(refused) + 1  # no second attempt


def test_refused_ids_count_as_unknown(catalogue: InProcessCatalogue) -> None:
    catalogue.reply = lambda item_id: Reply(400)
    lookup = Lookups(catalogue, catalogue_connections=1).batch([[each] for each in made_up(0, 100)])
    assert lookup.calls == LIMITS.catalogue_unknown_per_batch


def test_while_the_catalogue_is_down_what_was_not_asked_is_unavailable(catalogue: InProcessCatalogue) -> None:
    catalogue.reply = down
    lookup = Lookups(catalogue).batch([[each] for each in made_up(0, 100)])
    assert {item.lookup for item_id, item in lookup.known.items() if item_id} == {"unavailable"}
    assert lookup.calls <= ATTEMPTS * (FAILURE_THRESHOLD + CONNECTIONS)


ids = st.sampled_from([*good(0, 5), *made_up(0, 5), "broken-1", "broken-2", "refused", "", None, ".."])


@settings(max_examples=100)
@given(
    st.lists(st.lists(ids, max_size=8), max_size=8), st.integers(1, 8), st.integers(2, 8), st.integers(1, 4)
)
def test_every_id_has_a_result_and_every_limit_is_kept(
    envelopes: list[list[str | None]], connections: int, per_batch: int, unknown: int
) -> None:
    catalogue = InProcessCatalogue()
    replies = {"broken": Reply(500), "refused": Reply(414), "good": item_reply()}
    catalogue.reply = lambda item_id: replies.get(item_id.partition("-")[0], Reply(404))
    lookups = Lookups(
        catalogue,
        catalogue_connections=connections,
        catalogue_ids_per_batch=per_batch,
        catalogue_unknown_per_batch=unknown,
    )
    for _ in range(2):
        catalogue.forget_calls()
        lookup = lookups.batch(envelopes)
        for item_id in (each for envelope in envelopes for each in envelope):
            expected = {"good": "found", "made": "not_found", "": "none"}.get(
                (item_id or "").partition("-")[0]
            )
            assert lookup.known[item_id].lookup in (expected or "unavailable", "not_found", "not_asked")
        assert len(catalogue.calls) <= per_batch
        assert lookup.calls == catalogue.calls.total() <= ATTEMPTS * per_batch
        asked = {path.rpartition("/")[2].partition("-")[0] for path in catalogue.calls}
        assert asked <= {"good", "made", "broken", "refused"}
        without = [path for path in catalogue.calls if "made" in path or "refused" in path]
        assert len(without) <= unknown + connections - 1


@pytest.mark.parametrize("count", [0, 1, 500])
def test_a_batch_without_new_ids_asks_nothing(catalogue: InProcessCatalogue, count: int) -> None:
    lookups = Lookups(catalogue)
    envelopes = [[each] for each in good(0, count)]
    lookups.batch(envelopes)
    catalogue.forget_calls()
    assert lookups.batch(envelopes).calls == 0
    assert not catalogue.calls
