"""The one reader of records: whatever lies in a line, its segments joined are the line again."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clicklake.lake.records import RECORDS, envelopes_in, keep_clicks
from tests.support.lakes import click, compact, envelope

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["}{", '}{"', '{"v":1}{', "\\}{"]
)
GARBAGE = st.binary(max_size=12).map(lambda data: data.replace(b"\n", b"")) | st.sampled_from(
    [b"}{", b'{"v":']
)


def kinds_of(line: bytes) -> list[str]:
    segments = list(RECORDS.read_line(line))
    assert b"".join(segment.data for segment in segments) == line
    return ["envelope" if each.envelope else "click" if each.click else "garbage" for each in segments]


@given(st.lists(TEXTS, min_size=1, max_size=3))
@example(["}{"])
def test_a_text_that_looks_like_the_end_of_an_object_cuts_no_envelope(titles: list[str]) -> None:
    record = envelope([click(title=title) for title in titles]).rstrip(b"\n")
    assert kinds_of(record) == ["envelope"]
    assert kinds_of(record + record) == ["envelope", "envelope"]
    bare = compact({"userId": "u", "mysfitId": "m", "title": titles[0]})
    assert kinds_of(bare + bare + record) == ["click", "click", "envelope"]


@given(GARBAGE, TEXTS)
@example(b"garbage", "}{")
@example(b'"', "}{")
def test_an_envelope_behind_garbage_is_found(garbage: bytes, title: str) -> None:
    record = envelope([click(title=title)]).rstrip(b"\n")
    assert "envelope" in kinds_of(garbage + record)


@given(st.lists(GARBAGE | TEXTS.map(lambda text: compact({"userId": text})), max_size=5))
def test_the_segments_of_any_line_are_the_line(parts: list[bytes]) -> None:
    kinds_of(b"".join(parts).replace(b"\n", b""))


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        (b"", ["garbage"]),
        (b"[1,2]", ["garbage"]),
        (b'{"v":1,"clicks":[]}', ["garbage"]),
        (b'{"v":"x"}', ["garbage"]),
        (b"{}", ["click"]),
        (b'{"userId":"\xff"}', ["garbage"]),
        (b"[" * 100_000, ["garbage"]),
        (b'{"a":' * 2000 + b'}{"', ["garbage", "garbage"]),
    ],
)
def test_what_is_neither_envelope_nor_click(line: bytes, kinds: list[str]) -> None:
    assert kinds_of(line) == kinds


@pytest.mark.parametrize("part", [b'{"v":', b'{"v":[1,', b'}{"', b'{"a":1}{"', b'{"v":"}{"'])
def test_a_hostile_line_takes_time_in_proportion_to_its_length(part: bytes) -> None:
    def steps(line: bytes) -> int:
        return sum(1 for _ in RECORDS.read_line(line))

    assert steps(part * 100_000) <= 200_001  # it ends; each part of it is looked at a bounded number of times


def test_all_envelopes_of_a_record_are_read_and_clicks_can_be_taken_out() -> None:
    records = [envelope([click(), click(title="}{")]) for _ in range(3)]
    assert len(list(envelopes_in(b"".join(records)))) == 3
    kept: Any = json.loads(keep_clicks(records[0], lambda position: position == 1))
    assert [each["title"] for each in kept["clicks"]] == ["}{"]
