"""The key of the visitorId turns at midnight, in every instance alike, and cannot be turned back."""

import json
import logging
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_app import visitor_keys
from ingest_app.visitor_keys import DayKeys, VisitorKeys, turn, visitor_id
from tests.ingest_app.conftest import DATA, MakeClient, MemoryKeyStore, MemoryStream

MONDAY = date(2026, 11, 23)
TUESDAY = MONDAY + timedelta(days=1)
WEDNESDAY = MONDAY + timedelta(days=2)
KEY = b"k" * 32
GOLDEN: dict[str, Any] = json.loads((DATA / "visitor-ids.json").read_text())


@pytest.fixture
def store() -> MemoryKeyStore:
    return MemoryKeyStore(DayKeys(MONDAY, KEY, None))


@pytest.mark.parametrize("day", GOLDEN["days"], ids=lambda day: day["day"])
def test_keys_and_ids_are_the_golden_ones(day: dict[str, Any]) -> None:
    first = DayKeys(date.fromisoformat(GOLDEN["firstDay"]), bytes.fromhex(GOLDEN["firstKey"]), None)
    keys = turn(first, date.fromisoformat(day["day"]))
    assert keys.key.hex() == day["key"]
    for known in day["ids"]:
        assert visitor_id(keys.key, keys.day, known["address"], known["agent"]) == known["visitorId"]


@given(st.integers(0, 40), st.integers(0, 40))
def test_turning_in_steps_is_turning_at_once(one: int, other: int) -> None:
    first = DayKeys(MONDAY, KEY, None)
    there = MONDAY + timedelta(days=one + other)
    assert turn(turn(first, MONDAY + timedelta(days=one)), there) == turn(first, there)


def test_turned_keys_hold_nothing_of_days_before_the_previous_one() -> None:
    keys = turn(DayKeys(MONDAY, KEY, b"p" * 32), WEDNESDAY)
    assert keys.previous == turn(DayKeys(MONDAY, KEY, None), TUESDAY).key
    assert KEY not in keys


def test_without_a_store_there_is_no_key() -> None:
    assert VisitorKeys(None, MONDAY).key_of(MONDAY) is None


def test_first_instance_ever_makes_the_key() -> None:
    store = MemoryKeyStore()
    keys = VisitorKeys(store, MONDAY)
    assert store.keys
    assert (store.keys.day, len(store.keys.key), store.keys.previous) == (MONDAY, 32, None)
    assert VisitorKeys(store, MONDAY).key_of(MONDAY) == keys.key_of(MONDAY) == store.keys.key


def test_a_day_reads_and_writes_the_store_once(store: MemoryKeyStore) -> None:
    keys = VisitorKeys(store, MONDAY)
    assert (store.reads, store.writes) == (1, 0)
    for _ in range(3):
        keys.key_of(MONDAY)
    assert (store.reads, store.writes) == (1, 0)
    for _ in range(3):
        keys.key_of(TUESDAY)
    assert (store.reads, store.writes) == (1, 1)


def test_first_request_of_a_day_overwrites_the_key(store: MemoryKeyStore) -> None:
    keys = VisitorKeys(store, MONDAY)
    tuesday = keys.key_of(TUESDAY)
    assert store.keys == DayKeys(TUESDAY, tuesday or b"", KEY)
    keys.key_of(WEDNESDAY)
    assert store.keys.previous == tuesday
    assert KEY not in store.keys


def test_two_instances_turn_alike_whoever_stores_first(store: MemoryKeyStore) -> None:
    first, second = VisitorKeys(store, MONDAY), VisitorKeys(store, MONDAY)
    assert first.key_of(TUESDAY) == second.key_of(TUESDAY) is not None
    assert VisitorKeys(store, TUESDAY).key_of(TUESDAY) == first.key_of(TUESDAY)


def test_key_of_a_stage_that_was_idle_turns_to_today(store: MemoryKeyStore) -> None:
    day = MONDAY + timedelta(days=90)
    keys = VisitorKeys(store, day)
    assert store.keys == turn(DayKeys(MONDAY, KEY, None), day)
    assert keys.key_of(day) == store.keys.key


def test_instance_whose_clock_is_a_second_behind_uses_the_previous_key(store: MemoryKeyStore) -> None:
    VisitorKeys(store, TUESDAY)
    behind = VisitorKeys(store, MONDAY)
    assert behind.key_of(MONDAY) == KEY
    assert store.keys
    assert store.keys.day == TUESDAY, "a clock that is behind turns nothing back"
    assert behind.key_of(TUESDAY) == store.keys.key


def test_instance_whose_clock_is_days_behind_has_no_key(store: MemoryKeyStore) -> None:
    VisitorKeys(store, WEDNESDAY)
    assert VisitorKeys(store, MONDAY).key_of(MONDAY) is None


def test_store_that_fails_at_the_start_leaves_ids_empty_and_is_asked_again_later(
    store: MemoryKeyStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    store.is_available = False
    with caplog.at_level(logging.WARNING):
        keys = VisitorKeys(store, MONDAY)
    assert keys.key_of(MONDAY) is None
    assert store.reads == 1, "a visitor does not wait for a store that has just failed"
    assert "ServiceUnavailable" in caplog.text
    store.is_available = True
    assert keys.key_of(MONDAY) is None
    now += visitor_keys.RETRY_SECONDS
    assert keys.key_of(MONDAY) == KEY


def test_store_that_fails_at_midnight_changes_no_key(
    store: MemoryKeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    keys = VisitorKeys(store, MONDAY)
    store.is_available = False
    tuesday = turn(DayKeys(MONDAY, KEY, None), TUESDAY).key
    assert keys.key_of(TUESDAY) == tuesday
    assert keys.key_of(TUESDAY) == tuesday
    assert store.writes == 1
    assert keys.key_of(MONDAY) == KEY
    store.is_available = True
    now += visitor_keys.RETRY_SECONDS
    assert keys.key_of(TUESDAY) == tuesday
    assert store.keys == DayKeys(TUESDAY, tuesday, KEY)


def test_deleted_key_is_made_anew_at_midnight(store: MemoryKeyStore) -> None:
    """An operator may delete the item, for example after somebody has read it."""
    keys, other = VisitorKeys(store, MONDAY), VisitorKeys(store, MONDAY)
    store.keys = None
    assert keys.key_of(TUESDAY) == other.key_of(TUESDAY)
    assert store.keys
    assert store.keys.key != turn(DayKeys(MONDAY, KEY, None), TUESDAY).key


def test_store_in_which_others_always_win_counts_as_failed(store: MemoryKeyStore) -> None:
    store.replace = lambda old, new: False  # type: ignore[method-assign]
    assert VisitorKeys(store, TUESDAY).key_of(TUESDAY) is None


@pytest.mark.parametrize("is_available", [True, False])
def test_clicks_are_accepted_whether_the_store_answers_or_not(
    make_client: MakeClient, stream: MemoryStream, is_available: bool
) -> None:
    store = MemoryKeyStore()
    store.is_available = is_available
    assert make_client(store).put("/clicks", json={"itemId": "1"}).status_code == 202
    assert (stream.envelope["visitorId"] is not None) == is_available


def test_refused_request_does_not_ask_for_the_key(make_client: MakeClient, store: MemoryKeyStore) -> None:
    client = make_client(store)
    asked = store.reads
    assert client.put("/clicks", data=b"{").status_code == 400
    assert client.put("/clicks", json={}).status_code == 400
    assert store.reads == asked
