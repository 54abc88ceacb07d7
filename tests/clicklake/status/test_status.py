"""`clicklake status` on lakes in the emulator: what landed, what failed, what the keeper did."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clicklake.lake.bucket import Lake
from clicklake.lake.columns import FOLDER, columns_key
from clicklake.lake.partitions import HOUR, hour_of
from clicklake.status import lake_parts
from clicklake.status.lake_parts import (
    read_delivery,
    read_failures,
    read_keeper,
    read_lake_status,
    read_month_results,
    read_recent,
)
from clicklake.status.parts import RecentClicks, TooManyToCount
from tests.support.lakes import Commands, TestLake, click, document, envelope, line, new_id

pytestmark = pytest.mark.emulator

NOW = datetime.now(UTC)


@pytest.fixture
def status_lake(lake: TestLake) -> Lake:
    return Lake(lake.bucket, {}, lake.s3)


def put_result(lake: TestLake, day: str, **fields: Any) -> None:
    body = json.dumps(fields).encode()
    lake.s3.put_object(Bucket=lake.bucket, Key=f"keeper/dt={day}/reconcile.json", Body=body)


def test_an_empty_lake_is_well(clicklake: Commands) -> None:
    printed = clicklake("status").stdout
    assert "Nothing needs attention." in printed
    assert "clicks/ none yet, raw/ none yet" in printed
    assert "only known with --stage" in printed


def test_the_newest_objects_and_the_last_two_hours_are_shown(
    clicklake: Commands, lake: TestLake, status_lake: Lake
) -> None:
    ids = [new_id() for _ in range(4)]
    lake.put("raw", [envelope([click(each) for each in ids], NOW)], NOW)
    lake.put("clicks", [line(ids[0], NOW), line(ids[1], NOW)], NOW)
    lake.put("clicks", [line(new_id(), NOW - timedelta(days=3))], NOW - timedelta(days=3))
    lake.put("failed", [document(envelope([click(ids[2])], NOW), at=NOW)], NOW)
    shown = clicklake.json("status", code=1)
    newest = max(lake.keys("clicks/"))
    assert shown["delivery"]["clicks"]["key"] == newest
    assert shown["delivery"]["waitingSince"] is None
    recent = {name: shown["recent"][name] for name in ("accepted", "delivered", "failed", "inFlight")}
    assert recent == {"accepted": 4, "delivered": 2, "failed": 1, "inFlight": 1}
    assert shown["failures"]["byErrorCode"] == {"Lambda.FunctionError": 1}
    (attention,) = shown["attention"]
    assert attention["part"] == "failures"
    assert f"clicklake replay --bucket {lake.bucket}" in attention["todo"]


def test_the_screen_names_the_fault_and_what_to_do(clicklake: Commands, lake: TestLake) -> None:
    lake.put("failed", [document(envelope([click()]), "Lambda.FunctionTimedOut")])
    printed = clicklake("status", code=1).stdout
    assert "1 in failed/: Lambda.FunctionTimedOut 1" in printed
    assert "! one record waits in failed/\n  look up the reason in docs/operations.md" in printed
    assert "Nothing needs attention" not in printed


def test_replayed_and_parked_records_do_not_wait(lake: TestLake, status_lake: Lake) -> None:
    for folder in ("replayed/failed", "parked/failed"):
        lake.put(folder, [document(envelope([click()]))])
    assert read_failures(status_lake).objects == 0


def test_hostile_error_code_reaches_the_terminal_as_text(clicklake: Commands, lake: TestLake) -> None:
    lake.put("failed", [document(envelope([click()]), "\x1b[2J\u202egnp")])
    printed = clicklake("status", code=1).stdout
    assert "\x1b" not in printed
    assert "\\x1b[2J\\u202egnp" in printed


def test_failures_beyond_the_bound_are_counted_at_least(
    lake: TestLake, status_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lake_parts, "MAX_FAILED_READS", 2)
    for _ in range(3):
        lake.put("failed", [document(envelope([click()]))] * 2)
    found = read_failures(status_lake)
    assert (found.objects, found.records, found.is_complete) == (3, 4, False)


def test_a_damaged_error_object_counts_as_an_object(lake: TestLake, status_lake: Lake) -> None:
    key = lake.put("failed", [document(envelope([click()])), b"garbage\n"])
    lake.put_broken(key)
    found = read_failures(status_lake)
    assert (found.objects, dict(found.by_error_code)) == (
        2,
        {"Lambda.FunctionError": 1, "no error document": 1},
    )


def test_two_hours_that_are_too_large_are_not_read(
    lake: TestLake, status_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put("raw", [envelope([click()], NOW)], NOW)
    assert isinstance(read_recent(status_lake, NOW), RecentClicks)
    monkeypatch.setattr(lake_parts, "MAX_RECENT_BYTES", 10)
    found = read_recent(status_lake, NOW)
    assert isinstance(found, TooManyToCount)
    assert found.size > 10


def test_clicks_wait_since_the_first_raw_copy_without_a_line(lake: TestLake, status_lake: Lake) -> None:
    lake.put("raw", [envelope([click()], NOW - HOUR)], NOW - HOUR)
    lake.put("raw", [envelope([click()], NOW)], NOW)
    delivery = read_delivery(status_lake, NOW)
    assert delivery.raw
    assert delivery.waiting_since
    assert delivery.waiting_since <= delivery.raw.modified
    lake.put("clicks", [line(new_id(), NOW)], NOW)
    assert read_delivery(status_lake, NOW).waiting_since is None


def test_the_last_results_of_the_keeper_are_found(lake: TestLake, status_lake: Lake) -> None:
    put_result(lake, "2026-11-25", missing=2)
    put_result(lake, "2026-11-26", missing=0)
    for name in ("reconcile.json", "running-reconcile.json"):
        lake.s3.put_object(Bucket=lake.bucket, Key=f"keeper/dt=2026-11-27/{name}", Body=b"{half")
    found = read_keeper(status_lake, NOW).reconcile
    assert found
    assert (found.key, found.missing) == ("keeper/dt=2026-11-26/reconcile.json", 0)
    assert abs(found.finished_at - datetime.now(UTC)) < timedelta(minutes=10)


def test_a_result_that_is_not_final_is_shown_beside_the_final_one(
    clicklake: Commands, lake: TestLake, status_lake: Lake
) -> None:
    before, yesterday = (NOW - timedelta(days=number) for number in (2, 1))
    put_result(lake, f"{before:%Y-%m-%d}", missing=0, inFlight=0, final=True)
    put_result(lake, f"{yesterday:%Y-%m-%d}", missing=0, inFlight=5, final=False)
    keeper = clicklake.json("status")["keeper"]
    assert (keeper["reconcile"]["day"], keeper["soFar"]["day"]) == (
        f"{before:%Y-%m-%d}",
        f"{yesterday:%Y-%m-%d}",
    )
    assert (keeper["soFar"]["missing"], keeper["soFar"]["inFlight"]) == (0, 5)
    printed = " ".join(clicklake("status").stdout.split())
    assert f"{yesterday:%Y-%m-%d} so far: 0 missing, 5 in flight" in printed
    put_result(lake, f"{yesterday:%Y-%m-%d}", missing=0, inFlight=0, final=True)
    runs = read_keeper(status_lake, NOW)
    assert runs.reconcile
    assert (runs.reconcile.day, runs.so_far) == (yesterday.date(), None)


def test_missing_clicks_of_the_last_result_need_attention(clicklake: Commands, lake: TestLake) -> None:
    day = f"{NOW - timedelta(days=2):%Y-%m-%d}"
    put_result(lake, day, missing=7)
    (attention,) = clicklake.json("status", code=1)["attention"]
    assert f"7 clicks of {day} are missing" in attention["what"]


def test_hours_that_the_keeper_left_out_are_found_by_listing(lake: TestLake, status_lake: Lake) -> None:
    closed = hour_of(NOW) - 6 * HOUR
    for hour in (closed - HOUR, closed, hour_of(NOW)):
        lake.put("clicks", [line(new_id(), hour)], hour)
    assert read_keeper(status_lake, NOW).not_compacted == ()  # a lake without columns needs none
    lake.s3.put_object(Bucket=lake.bucket, Key=columns_key(closed - HOUR), Body=b"columns")
    runs = read_keeper(status_lake, NOW)
    assert runs.not_compacted == (closed,)
    assert runs.compacted_until == closed
    assert runs.has_traffic_since is None


def test_months_counts_are_those_of_the_daily_results(lake: TestLake, status_lake: Lake) -> None:
    put_result(lake, "2026-11-25", missing=0, accepted=100, records=20)
    put_result(lake, "2026-11-26", missing=0, accepted=50, records=10)
    put_result(lake, "2026-10-26", missing=0, accepted=999, records=999)
    day = datetime(2026, 11, 28, tzinfo=UTC).date()
    assert read_month_results(status_lake, day) == (150, 30)


def test_the_number_of_requests_does_not_grow_with_the_lakes_age(lake: TestLake, status_lake: Lake) -> None:
    """Count the requests of a status over a lake with many days and hours."""
    for number in range(40):
        at = hour_of(NOW) - number * 5 * HOUR
        for folder, body in (("clicks", line(new_id(), at)), ("raw", envelope([click()], at))):
            lake.put(folder, [body], at)
        lake.s3.put_object(Bucket=lake.bucket, Key=f"{FOLDER}dt={at:%Y-%m-%d}/hr={at:%H}/x", Body=b"x")
    asked: list[str] = []
    events = status_lake.s3.meta.events
    events.register("before-send.s3", lambda request, **_: asked.append(request.url), unique_id="count")
    read_lake_status(status_lake, NOW, with_recent=False)
    events.unregister("before-send.s3", unique_id="count")
    assert 0 < len(asked) <= 20, asked


def test_a_bucket_that_is_not_there_is_an_error_of_one_line(clicklake: Commands) -> None:
    missing = Commands(f"{clicklake.bucket}-not-there")
    result = missing("status", code=2)
    assert "there is no such bucket" in result.stderr


def test_reading_the_lake_imports_no_duckdb_and_no_console() -> None:
    """The deployed dashboard has neither."""
    code = (
        "import sys, clicklake.status.lake_parts; "
        "print([name for name in ('duckdb', 'rich', 'clicklake.cli.console') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
