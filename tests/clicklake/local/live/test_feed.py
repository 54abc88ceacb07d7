import json
import threading
from itertools import islice
from typing import Any

import pytest

from clicklake.local.delivery_stream.objects import Kind, Object
from clicklake.local.live import feed as feed_module
from clicklake.local.live.feed import Feed


def landed(kind: Kind, *payloads: bytes) -> Object:
    return Object(kind, "lake", "key", b"", None, list(payloads))


def kept(feed: Feed, kind: Kind) -> list[Any]:
    return json.loads(feed.kept(kind))


def test_lines_are_kept_as_objects_oldest_first() -> None:
    feed = Feed()
    feed.add(landed("delivered", b'{"n":1}\n{"n":2}\n', b'{"n":3}\n'))
    feed.add(landed("delivered", b'{"n":4}'))
    assert kept(feed, "delivered") == [{"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}]


def test_raw_records_are_kept_one_by_one_though_they_may_hold_lines() -> None:
    feed = Feed()
    feed.add(landed("raw", b'{"v":1,"clicks":[]}\n', b"two\nlines"))
    assert kept(feed, "raw") == [{"v": 1, "clicks": []}, "two\nlines"]


def test_what_is_no_json_is_kept_as_text() -> None:
    feed = Feed()
    feed.add(landed("raw", b"\xff not JSON"))
    assert kept(feed, "raw") == ["\ufffd not JSON"]


def test_kinds_do_not_mix() -> None:
    feed = Feed()
    feed.add(landed("failed", b'{"errorCode":"x"}\n'))
    assert kept(feed, "failed") == [{"errorCode": "x"}]
    assert kept(feed, "delivered") == []
    assert feed.totals() == {"delivered": 0, "failed": 1, "raw": 0}


@pytest.mark.parametrize(
    ("limit", "value"), [("MAX_KEPT_ENTRIES", 3), ("MAX_KEPT_CHARACTERS", 3 * len('{"n":0}'))]
)
def test_oldest_are_let_go_and_still_counted(monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    monkeypatch.setattr(feed_module, limit, value)
    feed = Feed()
    for n in range(5):
        feed.add(landed("delivered", b'{"n":%d}' % n))
    assert kept(feed, "delivered") == [{"n": 2}, {"n": 3}, {"n": 4}]
    assert feed.totals()["delivered"] == 5


def test_reset_begins_anew() -> None:
    feed = Feed()
    feed.add(landed("delivered", b"{}"))
    feed.reset()
    assert kept(feed, "delivered") == []
    assert feed.totals() == {"delivered": 0, "failed": 0, "raw": 0}


def take(feed: Feed, after: int, count: int) -> list[tuple[str, Any]]:
    return [(entry.event, json.loads(entry.json)) for entry in islice(feed.follow(after, 30), count)]


def test_follower_sees_all_kinds_in_the_order_they_landed() -> None:
    feed = Feed()
    feed.add(landed("raw", b"1"))
    feed.add(landed("failed", b"2"))
    feed.add(landed("raw", b"3"))
    assert take(feed, 0, 3) == [("raw", 1), ("failed", 2), ("raw", 3)]
    assert take(feed, 1, 2) == [("failed", 2), ("raw", 3)]


def test_follower_is_told_of_what_lands_later() -> None:
    feed = Feed()
    seen: list[tuple[str, Any]] = []
    follower = threading.Thread(target=lambda: seen.extend(take(feed, 0, 2)))
    follower.start()
    feed.add(landed("delivered", b"1"))
    feed.add(landed("delivered", b"2"))
    follower.join(10)
    assert seen == [("delivered", 1), ("delivered", 2)]


def test_follower_is_told_of_a_reset_before_what_follows_it() -> None:
    feed = Feed()
    feed.add(landed("delivered", b"1"))
    feed.reset()
    feed.add(landed("delivered", b"2"))
    assert take(feed, 1, 2) == [("reset", {}), ("delivered", 2)]


def test_follower_hears_from_an_idle_feed() -> None:
    following = Feed().follow(0, idle_seconds=0)
    assert [next(following).event, next(following).event] == ["idle", "idle"]


@pytest.mark.parametrize(("recent", "seen"), [(0, [3]), (1, [2, 3]), (2, [1, 2, 3]), (9, [0, 1, 2, 3])])
def test_number_of_recent_entries_that_a_follower_begins_with(recent: int, seen: list[int]) -> None:
    feed = Feed()
    for n in range(3):
        feed.add(landed("delivered", b"%d" % n))
    after = feed.number_before_last(recent)
    feed.add(landed("delivered", b"3"))
    assert take(feed, after, len(seen)) == [("delivered", n) for n in seen]


def test_every_entry_is_one_line_of_ascii() -> None:
    feed = Feed()
    feed.add(landed("delivered", '{"a": "line\\nbreak \u2028 \u202e é"}'.encode()))
    text = feed.kept("delivered").strip()
    assert text.isascii()
    assert "\n" not in text
