"""The event log: bounded, in order, and followed by readers."""

import json
import threading
from itertools import islice
from typing import Any

import pytest

from clicklake.local.delivery_stream.objects import Kind, SealedObject
from clicklake.local.live import event_log
from clicklake.local.live.event_log import EventLog


def landed(kind: Kind, *payloads: bytes) -> SealedObject:
    return SealedObject(kind, "lake", "key", b"", None, list(payloads))


def kept(log: EventLog, kind: Kind) -> list[Any]:
    entries: list[Any] = json.loads(log.to_json(kind))
    return entries


def test_lines_are_kept_as_objects_oldest_first() -> None:
    log = EventLog()
    log.add(landed("delivered", b'{"n":1}\n{"n":2}\n', b'{"n":3}\n'))
    log.add(landed("delivered", b'{"n":4}'))
    assert kept(log, "delivered") == [{"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}]


def test_each_raw_record_is_one_entry_even_if_it_has_several_lines() -> None:
    log = EventLog()
    log.add(landed("raw", b'{"v":1,"clicks":[]}\n', b"two\nlines"))
    assert kept(log, "raw") == [{"v": 1, "clicks": []}, "two\nlines"]


def test_bytes_that_are_not_json_are_kept_as_text() -> None:
    log = EventLog()
    log.add(landed("raw", b"\xff not JSON"))
    assert kept(log, "raw") == ["\ufffd not JSON"]


def test_kinds_are_kept_apart() -> None:
    log = EventLog()
    log.add(landed("failed", b'{"errorCode":"x"}\n'))
    assert kept(log, "failed") == [{"errorCode": "x"}]
    assert kept(log, "delivered") == []
    assert log.totals() == {"delivered": 0, "failed": 1, "raw": 0}


@pytest.mark.parametrize(
    ("limit", "value"), [("MAX_KEPT_ENTRIES", 3), ("MAX_KEPT_CHARACTERS", 3 * len('{"n":0}'))]
)
def test_dropped_entries_are_still_counted(monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    monkeypatch.setattr(event_log, limit, value)
    log = EventLog()
    for n in range(5):
        log.add(landed("delivered", b'{"n":%d}' % n))
    assert kept(log, "delivered") == [{"n": 2}, {"n": 3}, {"n": 4}]
    assert log.totals()["delivered"] == 5


def test_reset_empties_the_log() -> None:
    log = EventLog()
    log.add(landed("delivered", b"{}"))
    log.reset()
    assert kept(log, "delivered") == []
    assert log.totals() == {"delivered": 0, "failed": 0, "raw": 0}


def take(log: EventLog, after: int, count: int) -> list[tuple[str, Any]]:
    return [(entry.event, json.loads(entry.json)) for entry in islice(log.follow(after, 30), count)]


def test_follower_gets_all_kinds_in_the_order_in_which_they_landed() -> None:
    log = EventLog()
    log.add(landed("raw", b"1"))
    log.add(landed("failed", b"2"))
    log.add(landed("raw", b"3"))
    assert take(log, 0, 3) == [("raw", 1), ("failed", 2), ("raw", 3)]
    assert take(log, 1, 2) == [("failed", 2), ("raw", 3)]


def test_follower_gets_later_entries() -> None:
    log = EventLog()
    seen: list[tuple[str, Any]] = []
    follower = threading.Thread(target=lambda: seen.extend(take(log, 0, 2)))
    follower.start()
    log.add(landed("delivered", b"1"))
    log.add(landed("delivered", b"2"))
    follower.join(10)
    assert seen == [("delivered", 1), ("delivered", 2)]


def test_follower_gets_a_reset_before_later_entries() -> None:
    log = EventLog()
    log.add(landed("delivered", b"1"))
    log.reset()
    log.add(landed("delivered", b"2"))
    assert take(log, 1, 2) == [("reset", {}), ("delivered", 2)]


def test_follower_of_an_idle_log_gets_idle_events() -> None:
    following = EventLog().follow(0, idle_seconds=0)
    assert [next(following).event, next(following).event] == ["idle", "idle"]


@pytest.mark.parametrize(("recent", "seen"), [(0, [3]), (1, [2, 3]), (2, [1, 2, 3]), (9, [0, 1, 2, 3])])
def test_follower_can_begin_with_recent_entries(recent: int, seen: list[int]) -> None:
    log = EventLog()
    for n in range(3):
        log.add(landed("delivered", b"%d" % n))
    after = log.number_before_last(recent)
    log.add(landed("delivered", b"3"))
    assert take(log, after, len(seen)) == [("delivered", n) for n in seen]


def test_every_entry_is_one_line_of_ascii() -> None:
    log = EventLog()
    log.add(landed("delivered", '{"a": "line\\nbreak \u2028 \u202e é"}'.encode()))
    text = log.to_json("delivered").strip()
    assert text.isascii()
    assert "\n" not in text
