"""Compaction beside erase, reenrich and reconcile, in every order: no event is lost, nobody comes back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clicklake.compact import compactor
from clicklake.compact.build import build_from_lines
from clicklake.erase.search import Erasure
from clicklake.lake.columns import columns_key
from tests.support.columns import count_bodies_read, parquet_rows, rows_of
from tests.support.lakes import NOON, NOW, Commands, TestLake, click, envelope, line, new_id
from tests.support.lakes import click as new_click

pytestmark = pytest.mark.emulator

HOUR = NOON.replace(hour=13) - NOON
THEM, OTHER = "u-17", "u-18"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def people(lake: TestLake) -> TestLake:
    """Two hours in which both clicked, and one of the other's alone."""
    for number, users in enumerate([(THEM, OTHER), (THEM, OTHER), (OTHER,)]):
        lake.put(
            "clicks",
            [line(f"{user}-{number}", NOON + number * HOUR, userId=user) for user in users],
            NOON + number * HOUR,
        )
    return lake


def versions(lake: TestLake) -> list[bytes]:
    pages = lake.s3.get_paginator("list_object_versions").paginate(Bucket=lake.bucket, Prefix="columns/")
    found = [each for page in pages for each in page.get("Versions", [])]
    return [
        lake.s3.get_object(Bucket=lake.bucket, Key=each["Key"], VersionId=each["VersionId"])["Body"].read()
        for each in found
    ]


def assert_only_others_are_left(lake: TestLake) -> None:
    users = {row["userid"] for body in versions(lake) for row in rows_of(body)}
    assert users == {OTHER}
    for number in range(3):
        assert [row["eventid"] for row in parquet_rows(lake, NOON + number * HOUR)] == [f"{OTHER}-{number}"]


def test_erased_after_compacting(clicklake: Commands, people: TestLake) -> None:
    clicklake("compact")
    report = clicklake.json("erase", "--user-id", THEM)
    assert report["folders"]["columns/"] | {"mentions": 0} == {
        "clicks": 2,
        "unreadable": 0,
        "objects": 2,
        "old_versions": 0,
        "mentions": 0,
    }
    assert_only_others_are_left(people)
    clicklake("compact")
    assert_only_others_are_left(people)


def test_erased_before_compacting(clicklake: Commands, people: TestLake) -> None:
    clicklake("erase", "--user-id", THEM)
    clicklake("compact")
    assert_only_others_are_left(people)


def test_erased_while_an_hour_is_compacted(
    clicklake: Commands, people: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines are read before the erasure and put after it."""
    with monkeypatch.context() as patch:
        patch.setattr(
            compactor, "build_from_lines", once_after(lambda: clicklake("erase", "--user-id", THEM))
        )
        clicklake("compact")
    assert_only_others_are_left(people)


@pytest.mark.parametrize("versioning", ["Enabled", "Suspended"])
def test_erased_while_an_hour_of_theirs_alone_is_compacted(
    clicklake: Commands, lake: TestLake, monkeypatch: pytest.MonkeyPatch, versioning: Any
) -> None:
    lake.s3.put_bucket_versioning(Bucket=lake.bucket, VersioningConfiguration={"Status": versioning})
    lake.put("clicks", [line("theirs", userId=THEM)])
    with monkeypatch.context() as patch:
        patch.setattr(
            compactor, "build_from_lines", once_after(lambda: clicklake("erase", "--user-id", THEM))
        )
        clicklake("compact")
    assert versions(lake) == []
    assert lake.keys("columns/") == []


def test_compacted_while_someone_is_erased(
    clicklake: Commands, people: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hours are put after the erasure searched columns/, and before it removed the lines."""
    erase = Erasure.erase
    first = iter([True])

    def compact_first(erasure: Erasure, *arguments: Any) -> None:
        for _ in first:
            clicklake("compact")
        erase(erasure, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Erasure, "erase", compact_first)
        clicklake("erase", "--user-id", THEM)
    clicklake("compact")
    assert_only_others_are_left(people)


def test_an_erasure_reads_only_the_lines_of_hours_that_name_the_person(
    clicklake: Commands, people: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    clicklake("compact")
    with count_bodies_read(monkeypatch) as read:
        clicklake("erase", "--user-id", THEM, "--dry-run")
    hours = {key.rpartition("/")[0] for key in read if key.startswith("clicks/")}
    assert hours == {f"clicks/dt={NOON:%Y-%m-%d}/hr={hour}" for hour in (12, 13)}


@pytest.mark.parametrize(
    "hidden",
    [
        [line("shown", userId=OTHER), line("shown", userId=THEM, processedAt="2026-11-01T00:00:00.000Z")],
        [b'{"eventId": "x", "userId": "u-17"\n'],
        [line("mentioned", userId=OTHER, title="a letter to u-17")],
    ],
    ids=["a copy with another id", "not JSON", "a mention"],
)
def test_what_no_row_shows_is_found_in_the_lines(
    clicklake: Commands, lake: TestLake, hidden: list[bytes]
) -> None:
    lake.put("clicks", [line(new_id(), userId=OTHER), *hidden])
    without_columns = clicklake.json("erase", "--user-id", THEM, "--dry-run", code=_code(hidden))
    clicklake("compact")
    with_columns = clicklake.json("erase", "--user-id", THEM, "--dry-run", code=_code(hidden))
    assert with_columns["folders"]["clicks/"] == without_columns["folders"]["clicks/"]
    assert any(without_columns["folders"]["clicks/"].values())


def _code(lines: list[bytes]) -> int:
    return int(b"a letter" in lines[0])


def test_a_frozen_hour_is_erased_too(clicklake: Commands, people: TestLake) -> None:
    clicklake("compact")
    for key in people.keys("clicks/"):
        people.s3.delete_object(Bucket=people.bucket, Key=key)
    clicklake("erase", "--user-id", THEM)
    assert_only_others_are_left(people)


def test_a_text_is_erased_from_the_rows_of_its_events(clicklake: Commands, lake: TestLake) -> None:
    lake.put("clicks", [line("theirs", title="my name is Rumpelstiltskin"), line("others")])
    clicklake("compact")
    clicklake("erase", "--containing", "rumpelstiltskin")
    assert [row["eventid"] for row in parquet_rows(lake, NOON)] == ["others"]


@pytest.mark.parametrize("order", ["before", "during", "after"])
def test_reenriched_before_during_or_after(
    clicklake: Commands, lake: TestLake, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    event_id = new_id()
    monkeypatch.setenv("CATALOGUE_URL", "")
    lake.put("raw", [envelope([new_click(event_id, type="pageview")], userAgent="curl/8.0")])
    lake.put("clicks", [line(event_id, itemLookup="none", browser="Netscape")])
    span = ("--from", f"{NOON:%Y-%m-%dT%H:%M}", "--to", f"{NOON + HOUR:%Y-%m-%dT%H:%M}")

    def reenrich() -> None:
        assert clicklake.json("reenrich", *span)["changed"] == 1

    if order == "before":
        reenrich()
    with monkeypatch.context() as patch:
        if order == "during":
            patch.setattr(compactor, "build_from_lines", once_after(reenrich))
        clicklake("compact")
    if order == "after":
        reenrich()
        clicklake("compact")
    (row,) = parquet_rows(lake, NOON)
    assert (row["eventid"], row["browser"], row["bot"], row["copies"]) == (event_id, "curl", "tool", 1)


def test_reconcile_compares_the_ids_and_names_hours_without_columns(
    clicklake: Commands, people: TestLake
) -> None:
    span = ("--from", f"{NOON:%Y-%m-%d}", "--to", f"{NOON:%Y-%m-%d}")
    before = clicklake.json("reconcile", *span)["columns"]
    assert (before["compared"], len(before["notCompacted"]), before["faults"]) == (0, 3, [])
    clicklake("compact")
    after = clicklake.json("reconcile", *span)["columns"]
    assert after == {"compared": 3, "notCompacted": [], "faults": []}


def test_reconcile_finds_an_object_that_is_not_the_hours_own(clicklake: Commands, lake: TestLake) -> None:
    ids = [new_id() for _ in range(4)]
    lake.put("clicks", [line(ids[0]), line(ids[1])])
    lake.put("clicks", [line(ids[1]), line(ids[2])], NOON + HOUR)
    clicklake("compact")
    own = lake.s3.head_object(Bucket=lake.bucket, Key=columns_key(NOON))["Metadata"]
    others = lake.s3.get_object(Bucket=lake.bucket, Key=columns_key(NOON + HOUR))["Body"].read()
    lake.s3.put_object(Bucket=lake.bucket, Key=columns_key(NOON), Body=others, Metadata=own)
    span = ("--from", f"{NOON:%Y-%m-%d}", "--to", f"{NOON:%Y-%m-%d}")
    faults = clicklake.json("reconcile", *span, code=1)["columns"]["faults"]
    assert {(fault["eventId"], fault["reason"]) for fault in faults} == {
        (ids[0], "missing"),
        (ids[2], "not in clicks/"),
    }


def once_after(act: Callable[[], Any]) -> Callable[..., Any]:
    """Build as ever, but let something else happen after the first time."""
    first = iter([True])

    def build(*arguments: Any) -> Any:
        built = build_from_lines(*arguments)
        for _ in first:
            act()
        return built

    return build


def test_reconcile_does_not_ask_to_compact_an_hour_that_goes_on(clicklake: Commands, lake: TestLake) -> None:
    event_id = new_id()
    lake.put("raw", [envelope([click(event_id)], NOW)], NOW)
    lake.put("clicks", [line(event_id, NOW)], NOW)
    found = clicklake.json("reconcile", "--no-wait")["columns"]
    assert found == {"compared": 0, "notCompacted": [], "faults": []}
