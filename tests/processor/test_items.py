"""The items of a batch: cached, asked for once, and always answered in time."""

from collections.abc import Iterable

import pytest

from processor import catalogue as http
from processor.items import GIVE_UP_AFTER, MAX_ATTRIBUTE_CHARACTERS, Items, Lookup
from processor.settings import Settings
from tests.processor.catalogue_server import ITEM, OTHER_ITEM, CatalogueServer, Visit
from tests.processor.faults import FAULTS, slow_headers

LONG_ENOUGH_SECONDS = 30


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_489_985.0

    def __call__(self) -> float:
        return self.now


class Asked:
    """Items with a clock that stands still until it is set."""

    def __init__(self, catalogue: CatalogueServer, **settings: int) -> None:
        self.clock = Clock()
        self.items = Items(Settings(catalogue_url=catalogue.url, **settings), self.clock)

    def __call__(self, *ids: str | None, seconds: float = LONG_ENOUGH_SECONDS) -> list[str]:
        """Each id's enrichment, and its species if there is one."""
        known = self.look_up(*ids, seconds=seconds).known
        return [_told(known[item_id]) for item_id in ids]

    def look_up(self, *ids: str | None, seconds: float = LONG_ENOUGH_SECONDS) -> Lookup:
        lookup = Lookup(self.items)
        lookup.note(ids)
        lookup.ask(seconds)
        return lookup


def _told(item: tuple[str, Iterable[tuple[str, str | None]]]) -> str:
    enrichment, attributes = item
    species = dict(attributes).get("species")
    return f"{enrichment}: {species}" if species else enrichment


def down(visit: Visit) -> None:
    visit.answer(503)


def empty(visit: Visit) -> None:
    visit.answer(404)


def other(visit: Visit) -> None:
    visit.answer_item(OTHER_ITEM)


def test_an_item_has_the_attributes_that_the_settings_name(catalogue: CatalogueServer) -> None:
    lookup = Asked(catalogue).look_up("evangeline")
    expected = (("goodevil", "Evil"), ("lawchaos", "Lawful"), ("species", "Chimera"))
    assert lookup.known["evangeline"] == ("ok", expected)


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
    ],
)
def test_an_attribute_is_plain_or_left_out(
    catalogue: CatalogueServer, value: object, text: str | None
) -> None:
    catalogue.behaviour = lambda visit: visit.answer_item({"species": value})
    enrichment, attributes = Asked(catalogue).look_up("x").known["x"]
    assert (enrichment, dict(attributes)["species"]) == ("ok", text)


def test_no_item_and_no_catalogue_are_none(catalogue: CatalogueServer) -> None:
    assert Asked(catalogue)(None, "") == ["none", "none"]
    assert not catalogue.calls
    lookup = Lookup(Items(Settings()))
    assert lookup.note(["evangeline"])
    assert lookup.known["evangeline"].enrichment == "none"


def test_each_id_of_a_batch_is_asked_for_once(catalogue: CatalogueServer) -> None:
    ids = ["evangeline", "pauly", "evangeline", "evangeline", None, "pauly"]
    lookup = Asked(catalogue).look_up(*ids)
    assert sorted(catalogue.calls.values()) == [1, 1]
    assert lookup.calls == 2


def test_3000_different_ids_are_answered_in_one_batch(catalogue: CatalogueServer) -> None:
    def answer(visit: Visit) -> None:
        visit.answer_item({"species": f"of {visit.item_id}"})

    catalogue.behaviour = answer
    asked = Asked(catalogue)
    ids = [f"item-{number}" for number in range(3000)]
    assert asked(*ids) == [f"ok: of {item_id}" for item_id in ids]
    assert len(catalogue.calls) == 3000
    assert catalogue.connections <= Settings.catalogue_connections
    assert asked.look_up(*ids).calls == 0


def test_an_answer_is_believed_for_its_age(catalogue: CatalogueServer) -> None:
    asked = Asked(catalogue, catalogue_cache_seconds=300)
    assert asked("x") == ["ok: Chimera"]
    catalogue.behaviour = other
    asked.clock.now += 299
    assert asked("x") == ["ok: Chimera"]
    asked.clock.now += 1
    assert asked("x") == ["ok: Cyclops"]


def test_that_there_is_no_such_item_is_believed_for_a_shorter_age(catalogue: CatalogueServer) -> None:
    asked = Asked(catalogue, catalogue_unknown_seconds=60)
    catalogue.behaviour = empty
    assert asked("x") == ["unknown item"]
    catalogue.behaviour = lambda visit: visit.answer_item()
    asked.clock.now += 59
    assert asked("x") == ["unknown item"]
    asked.clock.now += 1
    assert asked("x") == ["ok: Chimera"]


def test_an_old_answer_serves_while_the_catalogue_is_down(catalogue: CatalogueServer) -> None:
    asked = Asked(catalogue, catalogue_cache_seconds=300, catalogue_stale_seconds=3600)
    asked("x")
    catalogue.behaviour = down
    asked.clock.now += 3599
    assert asked("x") == ["ok: Chimera"]
    asked.clock.now += 1
    assert asked("x") == ["unavailable"]


def test_that_there_was_no_such_item_does_not_serve_while_the_catalogue_is_down(
    catalogue: CatalogueServer,
) -> None:
    asked = Asked(catalogue)
    catalogue.behaviour = empty
    asked("x")
    catalogue.behaviour = down
    asked.clock.now += Settings.catalogue_unknown_seconds
    assert asked("x") == ["unavailable"]


def test_an_error_is_not_remembered(catalogue: CatalogueServer) -> None:
    asked = Asked(catalogue)
    catalogue.behaviour = down
    assert asked("x") == ["unavailable"]
    catalogue.behaviour = other
    assert asked("x") == ["ok: Cyclops"]


def test_an_item_that_is_gone_is_unknown_whatever_was_remembered(catalogue: CatalogueServer) -> None:
    asked = Asked(catalogue)
    asked("x")
    catalogue.behaviour = empty
    asked.clock.now += Settings.catalogue_cache_seconds
    assert asked("x") == ["unknown item"]


def test_the_cache_forgets_the_oldest_answer_first(catalogue: CatalogueServer) -> None:
    asked = Asked(catalogue, catalogue_cache_items=2)
    asked("a")
    asked("b")
    asked("c")
    catalogue.calls.clear()
    asked("b", "c")
    assert not catalogue.calls
    asked("a")
    assert list(catalogue.calls) == ["/mysfits/a"]


def test_more_items_than_the_cache_holds_are_all_answered(catalogue: CatalogueServer) -> None:
    assert Asked(catalogue, catalogue_cache_items=1)("a", "b", "c") == 3 * ["ok: Chimera"]


def test_a_second_attempt_hides_a_passing_fault(catalogue: CatalogueServer) -> None:
    def flap(visit: Visit) -> None:
        visit.answer(500) if visit.server.calls[visit.path] % 2 else visit.answer_item()

    catalogue.behaviour = flap
    asked = Asked(catalogue)
    ids = [f"item-{number}" for number in range(50)]
    assert asked(*ids) == 50 * ["ok: Chimera"]
    assert set(catalogue.calls.values()) == {2}


def test_there_is_no_third_attempt(catalogue: CatalogueServer) -> None:
    catalogue.behaviour = down
    Asked(catalogue)("x")
    assert catalogue.calls["/mysfits/x"] == 2


def test_a_catalogue_that_is_down_is_given_up(catalogue: CatalogueServer) -> None:
    catalogue.behaviour = down
    asked = Asked(catalogue, catalogue_connections=1)
    ids = [f"item-{number}" for number in range(3000)]
    assert asked(*ids) == 3000 * ["unavailable"]
    assert len(catalogue.calls) == GIVE_UP_AFTER


def test_one_bad_item_is_not_the_catalogue_down(catalogue: CatalogueServer) -> None:
    def answer(visit: Visit) -> None:
        down(visit) if visit.item_id == "bad" else visit.answer_item()

    catalogue.behaviour = answer
    asked = Asked(catalogue)
    for _ in range(GIVE_UP_AFTER):
        assert asked("bad", "good") == ["unavailable", "ok: Chimera"]


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_the_catalogue_does_the_others_are_well(
    catalogue: CatalogueServer, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(visit: Visit) -> None:
        FAULTS[fault](visit) if visit.item_id == "bad" else visit.answer_item(ITEM)

    monkeypatch.setattr(http, "READ_TIMEOUT_SECONDS", 1)
    catalogue.behaviour = answer
    assert Asked(catalogue)("a", "bad", "b", "c") == [
        "ok: Chimera",
        "unavailable",
        "ok: Chimera",
        "ok: Chimera",
    ]


def test_what_is_missing_when_time_is_up_is_unavailable(catalogue: CatalogueServer) -> None:
    def answer(visit: Visit) -> None:
        visit.drip(b"HTTP/1.1 200 OK\r\n") if visit.item_id == "bad" else visit.answer_item()

    catalogue.behaviour = answer
    asked = Asked(catalogue)
    assert asked("good") == ["ok: Chimera"]
    assert asked("good", "bad", seconds=0.3) == ["ok: Chimera", "unavailable"]
    assert not catalogue.is_closing.is_set()  # the server would have gone on


def test_after_a_batch_without_time_the_next_is_well(catalogue: CatalogueServer) -> None:
    catalogue.behaviour = slow_headers
    asked = Asked(catalogue)
    ids = [f"item-{number}" for number in range(100)]
    assert asked(*ids, seconds=0.1) == 100 * ["unavailable"]
    catalogue.behaviour = lambda visit: visit.answer_item()
    assert asked(*ids) == 100 * ["ok: Chimera"]


def test_no_time_at_all_asks_nobody(catalogue: CatalogueServer) -> None:
    assert Asked(catalogue)("x", seconds=0) == ["unavailable"]


def test_what_is_known_needs_not_wait_for_what_is_not(catalogue: CatalogueServer) -> None:
    asked = Asked(catalogue)
    asked("a")
    lookup = Lookup(asked.items)
    assert lookup.note(["a", None])
    assert not lookup.note(["a", "b"])
    assert not lookup.note(["b"])
    assert lookup.note(["a"])


def test_no_connection_outlives_its_batch(catalogue: CatalogueServer) -> None:
    asked = Asked(catalogue, catalogue_connections=1)
    asked("a", "b")
    assert catalogue.connections == 1
    asked("c")
    assert catalogue.connections == 2
