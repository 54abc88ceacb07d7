"""Which items a batch asks for, what it keeps, and that every lookup is resolved in time."""

from collections import Counter
from collections.abc import Callable
from threading import Event

import pytest

from processor.items import MAX_ATTRIBUTE_CHARACTERS, MAX_ITEM_ID_CHARACTERS, ItemCache
from processor.lookup import FAILURE_THRESHOLD, BatchLookup
from processor.settings import ProcessorSettings, from_environment
from tests.processor.in_process_catalogue import InProcessCatalogue, Reply, item_reply
from tests.processor.lookups import Lookups, down, missing, other, well


def test_an_item_has_the_attributes_that_the_settings_name(catalogue: InProcessCatalogue) -> None:
    lookup = Lookups(catalogue).look_up("evangeline")
    expected = (("name", "Evangeline"), ("goodevil", "Evil"), ("lawchaos", "Lawful"), ("species", "Chimera"))
    assert lookup.known["evangeline"] == ("found", expected)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Chimera", "Chimera"),
        ("", None),
        (43, "43"),
        (9.5, "9.5"),
        (True, "true"),
        (None, None),
        ({"name": "Chimera"}, None),
        (["Chimera"], None),
        (MAX_ATTRIBUTE_CHARACTERS * "a", MAX_ATTRIBUTE_CHARACTERS * "a"),
        ((MAX_ATTRIBUTE_CHARACTERS + 1) * "a", None),
        (int(MAX_ATTRIBUTE_CHARACTERS * "9"), MAX_ATTRIBUTE_CHARACTERS * "9"),
        (int((MAX_ATTRIBUTE_CHARACTERS + 1) * "9"), None),
        (-int(MAX_ATTRIBUTE_CHARACTERS * "9"), None),
        (int(4300 * "9"), None),
    ],
)
def test_an_attribute_is_a_plain_value_or_dropped(
    catalogue: InProcessCatalogue, value: object, text: str | None
) -> None:
    catalogue.reply = lambda item_id: item_reply({"species": value})
    lookup, attributes = Lookups(catalogue).look_up("x").known["x"]
    assert (lookup, dict(attributes)["species"]) == ("found", text)


def test_a_click_without_an_item_needs_no_call(catalogue: InProcessCatalogue) -> None:
    assert Lookups(catalogue)(None, "") == ["none", "none"]
    assert not catalogue.calls


def test_without_a_catalogue_there_are_no_items() -> None:
    lookup = BatchLookup(ItemCache(ProcessorSettings()))
    assert lookup.add(["evangeline"])
    assert lookup.known["evangeline"].lookup == "none"


def test_each_id_of_a_batch_is_fetched_once(catalogue: InProcessCatalogue) -> None:
    ids = ["evangeline", "pauly", "evangeline", "evangeline", None, "pauly"]
    lookup = Lookups(catalogue).look_up(*ids)
    assert sorted(catalogue.calls.values()) == [1, 1]
    assert lookup.calls == 2


def test_a_batch_may_have_hundreds_of_different_items(catalogue: InProcessCatalogue) -> None:
    catalogue.reply = lambda item_id: item_reply({"species": f"of {item_id}"})
    lookups = Lookups(catalogue)
    ids = [f"item-{number}" for number in range(500)]
    known = lookups.batch([[item_id] for item_id in ids]).known
    assert [dict(known[item_id].attributes)["species"] for item_id in ids] == [f"of {each}" for each in ids]
    assert len(catalogue.calls) == 500
    assert lookups.look_up(*ids).calls == 0


def test_a_found_item_is_fresh_for_the_cache_seconds(catalogue: InProcessCatalogue) -> None:
    lookups = Lookups(catalogue, catalogue_cache_seconds=300)
    assert lookups("x") == ["found: Chimera"]
    catalogue.reply = other
    lookups.clock.now += 299
    assert lookups("x") == ["found: Chimera"]
    lookups.clock.now += 1
    assert lookups("x") == ["found: Cyclops"]


def test_not_found_is_fresh_for_a_shorter_time(catalogue: InProcessCatalogue) -> None:
    lookups = Lookups(catalogue, catalogue_unknown_seconds=60)
    catalogue.reply = missing
    assert lookups("x") == ["not_found"]
    catalogue.reply = well
    lookups.clock.now += 59
    assert lookups("x") == ["not_found"]
    lookups.clock.now += 1
    assert lookups("x") == ["found: Chimera"]


def test_a_stale_item_serves_while_the_catalogue_is_down(catalogue: InProcessCatalogue) -> None:
    lookups = Lookups(catalogue, catalogue_cache_seconds=300, catalogue_stale_seconds=3600)
    lookups("x")
    catalogue.reply = down
    lookups.clock.now += 3599
    assert lookups("x") == ["found: Chimera"]
    lookups.clock.now += 1
    assert lookups("x") == ["unavailable"]


def test_a_stale_not_found_does_not_serve(catalogue: InProcessCatalogue) -> None:
    lookups = Lookups(catalogue)
    catalogue.reply = missing
    lookups("x")
    catalogue.reply = down
    lookups.clock.now += ProcessorSettings.catalogue_unknown_seconds
    assert lookups("x") == ["unavailable"]


def test_an_error_is_not_cached(catalogue: InProcessCatalogue) -> None:
    lookups = Lookups(catalogue)
    catalogue.reply = down
    assert lookups("x") == ["unavailable"]
    catalogue.reply = other
    assert lookups("x") == ["found: Cyclops"]


def test_a_deleted_item_is_not_found_although_a_stale_one_is_cached(catalogue: InProcessCatalogue) -> None:
    lookups = Lookups(catalogue)
    lookups("x")
    catalogue.reply = missing
    lookups.clock.now += ProcessorSettings.catalogue_cache_seconds
    assert lookups("x") == ["not_found"]


def test_the_cache_evicts_the_item_that_was_not_used_for_longest(catalogue: InProcessCatalogue) -> None:
    lookups = Lookups(catalogue, catalogue_cache_items=2)
    for item_id in ("a", "b", "a", "c"):
        lookups(item_id)
    catalogue.forget_calls()
    lookups("a", "c")
    assert not catalogue.calls
    lookups("b")
    assert list(catalogue.calls) == ["/mysfits/b"]


@pytest.mark.parametrize("fault", [missing, down, lambda item_id: Reply(400)], ids=["404", "503", "400"])
def test_ids_without_an_item_never_displace_an_item(
    catalogue: InProcessCatalogue, fault: Callable[[str], Reply]
) -> None:
    catalogue.reply = lambda item_id: item_reply() if item_id.startswith("good") else fault(item_id)
    lookups = Lookups(catalogue, catalogue_cache_items=3, catalogue_unknown_per_batch=1000)
    assert lookups("good-1", "good-2", "good-3") == 3 * ["found: Chimera"]
    for batch in range(20):
        lookups.batch([[f"made-up-{batch}-{number}" for number in range(100)]])
    catalogue.forget_calls()
    assert lookups("good-1", "good-2", "good-3") == 3 * ["found: Chimera"]
    assert not catalogue.calls


@pytest.mark.parametrize(
    ("item_id", "is_asked"),
    [
        ("sku-17", True),
        ("SKU-17", False),
        ("sku-17\n", False),
        (" sku-17", False),
        ("sku-١٧", False),  # digits, but not ASCII
        (f"sku-{MAX_ITEM_ID_CHARACTERS * '1'}", False),
    ],
)
def test_an_id_that_does_not_match_the_pattern_is_never_asked(
    catalogue: InProcessCatalogue, item_id: str, is_asked: bool
) -> None:
    pattern = from_environment({"ITEM_ID_PATTERN": r"^sku-\d+$"}).item_id_pattern
    lookups = Lookups(catalogue, item_id_pattern=pattern)
    assert lookups(item_id) == ["found: Chimera" if is_asked else "not_found"]
    assert len(catalogue.calls) == is_asked


def test_an_id_longer_than_the_ingest_app_takes_is_never_asked(catalogue: InProcessCatalogue) -> None:
    longest = MAX_ITEM_ID_CHARACTERS * "a"
    assert Lookups(catalogue)(longest, longest + "a") == ["found: Chimera", "not_found"]
    assert list(catalogue.calls) == [f"/mysfits/{longest}"]


def test_a_batch_may_have_more_items_than_the_cache(catalogue: InProcessCatalogue) -> None:
    assert Lookups(catalogue, catalogue_cache_items=1)("a", "b", "c") == 3 * ["found: Chimera"]


def test_a_second_attempt_hides_a_passing_fault(catalogue: InProcessCatalogue) -> None:
    seen: Counter[str] = Counter()

    def fail_once(item_id: str) -> Reply:
        seen[item_id] += 1
        return item_reply() if seen[item_id] == 2 else Reply(500)

    catalogue.reply = fail_once
    ids = [f"item-{number}" for number in range(50)]
    assert Lookups(catalogue)(*ids) == 50 * ["found: Chimera"]
    assert set(catalogue.calls.values()) == {2}


def test_there_is_no_third_attempt(catalogue: InProcessCatalogue) -> None:
    catalogue.reply = down
    Lookups(catalogue)("x")
    assert catalogue.calls["/mysfits/x"] == 2


def test_after_many_failures_in_a_row_the_rest_of_the_batch_is_skipped(
    catalogue: InProcessCatalogue,
) -> None:
    catalogue.reply = down
    lookups = Lookups(catalogue, catalogue_connections=1)
    ids = [f"item-{number}" for number in range(100)]
    assert lookups(*ids) == 100 * ["unavailable"]
    assert len(catalogue.calls) == FAILURE_THRESHOLD


def bad_item(fault: Callable[[str], Reply]) -> Callable[[str], Reply]:
    return lambda item_id: fault(item_id) if item_id == "bad" else item_reply()


def test_one_bad_item_does_not_count_as_an_outage(catalogue: InProcessCatalogue) -> None:
    catalogue.reply = bad_item(down)
    lookups = Lookups(catalogue)
    for _ in range(FAILURE_THRESHOLD):
        assert lookups("bad", "good") == ["unavailable", "found: Chimera"]


def test_a_bug_in_one_lookup_does_not_harm_the_others(catalogue: InProcessCatalogue) -> None:
    def break_down(item_id: str) -> Reply:
        raise ZeroDivisionError("a bug")

    catalogue.reply = bad_item(break_down)
    assert Lookups(catalogue)("a", "bad", "b") == ["found: Chimera", "unavailable", "found: Chimera"]


def test_an_item_that_is_not_there_by_the_deadline_is_unavailable(catalogue: InProcessCatalogue) -> None:
    is_over = Event()

    def hang(item_id: str) -> Reply:
        is_over.wait()
        return item_reply()

    catalogue.reply = bad_item(hang)
    lookups = Lookups(catalogue)
    try:
        assert lookups("good") == ["found: Chimera"]
        assert lookups("good", "bad", seconds=0.05) == ["found: Chimera", "unavailable"]
    finally:
        is_over.set()


def test_without_time_nothing_is_fetched(catalogue: InProcessCatalogue) -> None:
    assert Lookups(catalogue)("x", seconds=0) == ["unavailable"]
    assert not catalogue.calls


def test_only_clicks_with_unknown_items_must_wait(catalogue: InProcessCatalogue) -> None:
    lookups = Lookups(catalogue)
    lookups("a")
    lookup = BatchLookup(lookups.items)
    assert lookup.add(["a", None])
    assert not lookup.add(["a", "b"])
    assert not lookup.add(["b"])
    assert lookup.add(["a"])
