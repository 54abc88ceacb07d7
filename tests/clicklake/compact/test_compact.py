"""`compact`: a row per event and hour, put whole or not at all, and only where something has changed."""

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clicklake.compact import compactor
from clicklake.compact.build import build_from_lines
from clicklake.lake.columns import columns_key
from clicklake.tables import database
from tests.support.columns import count_bodies_read, parquet_rows
from tests.support.counting import LandedLine, counted_events
from tests.support.killing import requests_of, run_killed
from tests.support.lakes import NOON, NOW, Commands, TestLake, line, new_id

pytestmark = pytest.mark.emulator

HOUR = timedelta(hours=1)
WEEK = ("--from", f"{NOON - timedelta(days=2):%Y-%m-%d}", "--to", f"{NOON + timedelta(days=3):%Y-%m-%d}")
EVENTS = "select dt, hr, eventid, title, copies, counted from hourly_events order by dt, hr, eventid"


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


def land(lake: TestLake, hour: datetime, *lines: tuple[str, str]) -> list[LandedLine]:
    """Put an object with lines of these ids and titles; later titles were processed later."""
    landed = [
        LandedLine(
            hour,
            {
                "eventId": event_id,
                "title": title,
                "processedAt": f"2026-11-05T00:00:00.{title:0>3}Z",
                "receivedAt": "x",
            },
        )
        for event_id, title in lines
    ]
    lake.put(
        "clicks",
        [line(each.fields["eventId"], hour, **{**each.fields, "receivedAt": None}) for each in landed],
        hour,
    )
    return landed


def expected(lines: list[LandedLine]) -> list[dict[str, Any]]:
    return [
        {
            "dt": f"{hour:%Y-%m-%d}",
            "hr": hour.hour,
            "eventid": fields["eventId"],
            "title": fields["title"],
            "copies": copies,
            "counted": counted,
        }
        for hour, fields, copies, counted in counted_events(lines)
    ]


def written(report: dict[str, Any]) -> dict[str, str]:
    return {hour["hour"][:13]: hour["reason"] for hour in report["written"]}


def as_text(*hours: datetime) -> list[str]:
    return [f"{hour:%Y-%m-%dT%H}" for hour in hours]


def test_an_hour_becomes_one_object_with_a_row_per_event(clicklake: Commands, lake: TestLake) -> None:
    land(lake, NOON, ("a", "1"), ("a", "3"), ("b", "1"))
    land(lake, NOON, ("a", "2"))
    report = clicklake.json("compact")
    assert [(each["lines"], each["events"]) for each in report["written"]] == [(4, 2)]
    assert lake.keys("columns/") == [columns_key(NOON)]
    rows = parquet_rows(lake, NOON)
    assert [(row["eventid"], row["title"], row["copies"], row["counted"]) for row in rows] == [
        ("a", "3", 3, True),
        ("b", "1", 1, True),
    ]


def test_an_hour_that_is_too_large_for_one_sort_is_sorted_in_slices(
    clicklake: Commands, lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clicklake.compact.build.SLICE_ROWS", 7)
    times = [f"2026-11-24T12:00:{second:02}.{number}00Z" for second in range(12) for number in range(3)]
    lines = [line(new_id(), receivedAt=time) for time in [*reversed(times), None, times[5]]]
    lake.put("clicks", lines)
    clicklake("compact")
    rows = parquet_rows(lake, NOON)
    assert [row["receivedat"] for row in rows] == [*sorted([*times, times[5]]), None]
    assert [row["eventid"] for row in rows[5:7]] == sorted(row["eventid"] for row in rows[5:7])


def test_a_second_run_writes_nothing_and_reads_no_body(
    clicklake: Commands, lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        land(lake, NOON + number * HOUR, ("a", "1"), (new_id(), "1"))
    clicklake("compact")
    keys = [lake.s3.head_object(Bucket=lake.bucket, Key=key)["VersionId"] for key in lake.keys("columns/")]
    with count_bodies_read(monkeypatch) as bodies:
        report = clicklake.json("compact")
    assert (report["written"], report["current"], bodies) == ([], 3, [])
    assert keys == [
        lake.s3.head_object(Bucket=lake.bucket, Key=key)["VersionId"] for key in lake.keys("columns/")
    ]


def test_an_event_counts_in_the_hour_of_its_first_line_and_not_again_for_25_hours(
    clicklake: Commands, lake: TestLake
) -> None:
    """Three copies 20 hours apart: the third is 40 hours after the first, and still not counted."""
    lines = [
        *land(lake, NOON, ("a", "1"), ("b", "1")),
        *land(lake, NOON + 20 * HOUR, ("a", "1")),
        *land(lake, NOON + 25 * HOUR, ("b", "1")),
        *land(lake, NOON + 40 * HOUR, ("a", "1")),
        *land(lake, NOON + 51 * HOUR, ("b", "1")),
    ]
    from_lines = clicklake.json("query", EVENTS, *WEEK)
    clicklake("compact")
    assert from_lines == clicklake.json("query", EVENTS, *WEEK) == expected(lines)
    counted = [(row["eventid"], row["counted"]) for row in from_lines]
    assert counted == [("a", True), ("b", True), ("a", False), ("b", False), ("a", False), ("b", True)]


def test_a_late_first_line_takes_the_count_from_the_hours_after_it(
    clicklake: Commands, lake: TestLake
) -> None:
    lines = [*land(lake, NOON + 3 * HOUR, ("a", "1")), *land(lake, NOON + 4 * HOUR, ("b", "1"))]
    lines += land(lake, NOON, ("c", "1"))
    clicklake("compact")
    lines += land(lake, NOON, ("a", "1"))
    report = clicklake.json("compact")
    assert written(report) == dict(
        zip(as_text(NOON, NOON + 3 * HOUR, NOON + 4 * HOUR), ["source", "before", "before"], strict=True)
    )
    assert clicklake.json("query", EVENTS, *WEEK) == expected(lines)


def test_lines_are_counted_in_clicks_and_can_be_asked_for_alone(
    clicklake: Commands, lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = land(lake, NOON, ("a", "1"), ("a", "2"), ("b", "1"))
    clicklake("compact")
    assert clicklake.json("query", "select count(*) as n from lines", *WEEK) == [{"n": 3}]
    with count_bodies_read(monkeypatch) as read:
        assert clicklake.json("query", EVENTS, *WEEK, "--lines") == expected(lines)
        assert {key.partition("/")[0] for key in read} == {"clicks"}
        read.clear()
        assert clicklake.json("query", EVENTS, *WEEK) == expected(lines)
        assert read == []  # the hour is in the cache since it was compacted


def test_an_hour_that_is_compacted_after_its_successor_gives_the_same_rows(
    clicklake: Commands, lake: TestLake
) -> None:
    lines = [*land(lake, NOON, ("a", "1"), ("b", "1")), *land(lake, NOON + HOUR, ("a", "2"), ("c", "1"))]
    for hour in (NOON + HOUR, NOON):
        clicklake("compact", "--from", f"{hour:%Y-%m-%dT%H:00}", "--to", f"{hour + HOUR:%Y-%m-%dT%H:00}")
        assert clicklake.json("query", EVENTS, *WEEK) == expected(lines)
    assert len(lake.keys("columns/")) == 2


def test_the_source_decides_what_is_rebuilt(clicklake: Commands, lake: TestLake) -> None:
    """As after `reenrich`: other objects with the same ids."""
    old = land(lake, NOON, ("a", "1"))
    clicklake("compact")
    (key,) = lake.keys("clicks/")
    lines = land(lake, NOON, ("a", "5"))
    lake.s3.delete_object(Bucket=lake.bucket, Key=key)
    assert written(clicklake.json("compact")) == {f"{NOON:%Y-%m-%dT%H}": "source"}
    assert clicklake.json("query", EVENTS, *WEEK) == expected(lines) != expected(old)


def test_hours_that_are_not_closed_wait(clicklake: Commands, lake: TestLake) -> None:
    hour = NOW.replace(minute=0, second=0, microsecond=0)
    land(lake, hour, ("a", "1"))
    assert clicklake.json("compact")["written"] == []
    assert lake.keys("columns/") == []


def test_a_dry_run_says_why_and_writes_nothing(clicklake: Commands, lake: TestLake) -> None:
    land(lake, NOON, ("a", "1"))
    report = clicklake.json("compact", "--dry-run")
    assert [(each["hour"][:13], each["reason"]) for each in report["hours"]] == [
        (f"{NOON:%Y-%m-%dT%H}", "new")
    ]
    assert "1 hours would be written" in clicklake("compact", "--dry-run").output
    assert lake.keys("columns/") == []


def test_an_object_that_cannot_be_read_is_named_and_its_hour_not_written(
    clicklake: Commands, lake: TestLake
) -> None:
    broken = lake.put_broken(lake.keys("clicks/")[0] if land(lake, NOON, ("a", "1")) else "")
    land(lake, NOON + HOUR, ("b", "1"))
    report = clicklake.json("compact", code=1)
    assert report["unreadable"] == [broken]
    assert lake.keys("columns/") == [columns_key(NOON + HOUR)]


def test_an_hour_that_is_too_much_for_the_memory_is_not_written(
    clicklake: Commands, lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(lake, NOON, (new_id(), "1"))
    monkeypatch.setattr(database, "MEMORY_LIMIT", "10MB")
    said = clicklake("compact", *WEEK, code=2).output
    assert "too many lines for DuckDB's memory; raise CLICKLAKE_DUCKDB_MEMORY (Out of Memory Error: " in said
    assert lake.keys("columns/") == []


def test_an_hour_whose_lines_are_gone_is_frozen(clicklake: Commands, lake: TestLake) -> None:
    land(lake, NOON, ("a", "1"))
    land(lake, NOON + HOUR, ("a", "1"))
    clicklake("compact")
    for key in lake.keys("clicks/"):
        lake.s3.delete_object(Bucket=lake.bucket, Key=key)
    report = clicklake.json("compact", *WEEK)
    assert (report["written"], report["frozen"]) == ([], 2)
    assert [row["counted"] for row in clicklake.json("query", EVENTS, *WEEK)] == [True, False]


def test_an_hour_whose_lines_may_have_expired_is_frozen(clicklake: Commands, lake: TestLake) -> None:
    """S3 deletes the objects of one hour one after the other: what is left is not the hour."""
    land(lake, NOON, ("a", "1"))
    land(lake, NOON, ("b", "1"))
    clicklake("compact")
    lake.s3.put_bucket_lifecycle_configuration(
        Bucket=lake.bucket,
        LifecycleConfiguration={
            "Rules": [
                {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": "clicks/"}, "Expiration": {"Days": 2}}
            ]
        },
    )
    lake.s3.delete_object(Bucket=lake.bucket, Key=lake.keys("clicks/")[0])
    report = clicklake.json("compact", *WEEK)
    assert (report["written"], report["frozen"]) == ([], 1)
    assert len(parquet_rows(lake, NOON)) == 2


def test_an_object_of_an_earlier_version_is_rebuilt_and_read_until_then(
    clicklake: Commands, lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = land(lake, NOON, ("a", "1"))
    clicklake("compact")
    monkeypatch.setattr("clicklake.compact.plan.SCHEMA_VERSION", 2)
    assert clicklake.json("query", EVENTS, *WEEK) == expected(lines)
    assert clicklake.json("compact", "--dry-run")["hours"][0]["reason"] == "schema"


def test_a_line_that_lands_while_its_hour_is_written_is_in_it(
    clicklake: Commands, lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = land(lake, NOON, ("a", "1"))
    late = iter([("b", "1")])

    def build_slowly(*arguments: Any) -> Any:
        built = build_from_lines(*arguments)
        for each in late:
            lines.extend(land(lake, NOON, each))
        return built

    with monkeypatch.context() as patch:
        patch.setattr(compactor, "build_from_lines", build_slowly)
        clicklake("compact")
    assert [row["eventid"] for row in parquet_rows(lake, NOON)] == ["a", "b"]


def test_of_two_runs_at_once_the_slower_one_begins_again(
    clicklake: Commands, lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [*land(lake, NOON, ("a", "1")), *land(lake, NOON + HOUR, ("a", "1"), ("b", "1"))]
    others = iter([True])

    def build_while_another_runs(*arguments: Any) -> Any:
        built = build_from_lines(*arguments)
        for _ in others:
            clicklake("compact")
        return built

    with monkeypatch.context() as patch:
        patch.setattr(compactor, "build_from_lines", build_while_another_runs)
        clicklake("compact")
    assert clicklake.json("compact")["written"] == []
    assert clicklake.json("query", EVENTS, *WEEK) == expected(lines)


@pytest.fixture
def recent() -> datetime:
    """An hour whose fingerprints readers check."""
    return NOW.replace(minute=0, second=0, microsecond=0) - 20 * HOUR


@pytest.mark.parametrize("kills", [6, pytest.param(50, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
def test_killed_anywhere_every_event_counts_once_and_the_next_run_finishes(
    clicklake: Commands, lake: TestLake, aws_env: dict[str, str], cache: Path, recent: datetime, kills: int
) -> None:
    env = aws_env | {"XDG_CACHE_HOME": str(cache)}
    since = recent - 2 * HOUR
    span = ("--from", f"{since:%Y-%m-%dT%H:00}", "--to", f"{recent + 8 * HOUR:%Y-%m-%dT%H:00}")
    arguments = ["compact", "--bucket", lake.bucket, *span]
    chance = random.Random(kills)
    lines: list[LandedLine] = []

    def add_lines() -> None:
        """Also lines of events that landed before, or that landed later already."""
        for _ in range(4):
            event_id = f"e-{chance.randrange(12)}"
            lines.extend(land(lake, recent + chance.randrange(6) * HOUR, (event_id, str(len(lines)))))

    add_lines()
    requests = requests_of(arguments, env)
    for _ in range(kills):
        add_lines()
        run_killed(arguments, env, chance.randint(1, requests + 15), chance.choice(["before", "after"]))
        assert clicklake.json("query", EVENTS, *span) == expected(lines)
    clicklake("compact", *span)
    assert clicklake.json("compact", *span)["written"] == []
    assert clicklake.json("query", EVENTS, *span) == expected(lines)
