"""The keeper's events: malformed ones are refused, due hours are compacted, and a second run does nothing."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clicklake.keeper import handler
from clicklake.keeper.compaction import due_hours
from clicklake.keeper.handler import KeeperError, lambda_handler
from clicklake.keeper.settings import KeeperSettingsError, keeper_settings
from clicklake.lake.bucket import Lake
from clicklake.lake.columns import columns_key
from clicklake.lake.partitions import HOUR, hour_of
from tests.support.lakes import TestLake, line, new_id

NOW = datetime.now(UTC)
CLOSED = hour_of(NOW) - 2 * HOUR


@dataclass
class Context:
    function_name: str = "clicklake-keeper-dev"
    seconds: float = 900

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@pytest.fixture
def keeper(lake: TestLake, aws_env: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Lake:
    """The environment that lake.yaml gives the function, for this test's lake."""
    for name, value in aws_env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BUCKET_NAME", lake.bucket)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Lake(lake.bucket, {}, lake.s3)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """Answer the function's calls of itself in this process, and record their hours."""
    called: list[datetime] = []

    def call(function: str, hour: datetime, seconds: float) -> str | None:
        called.append(hour)
        event = {"job": "compact", "hour": f"{hour:%Y-%m-%dT%H:%M:%SZ}"}
        try:
            lambda_handler(json.loads(json.dumps(event)), Context())
        except KeeperError as error:
            return str(error)
        return None

    monkeypatch.setattr(handler, "_call_itself", call)
    return called


def put_hours(lake: TestLake, *hours: datetime) -> None:
    for hour in hours:
        lake.put("clicks", [line(new_id(), hour), line(new_id(), hour)], hour)


def versions(lake: TestLake) -> list[str]:
    keys = lake.keys("columns/")
    return [lake.s3.head_object(Bucket=lake.bucket, Key=key)["VersionId"] for key in keys]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({}, "job is None; it must be one of compact"),
        ({"job": "mail"}, "job is 'mail'"),
        ({"job": "compact", "hour": "yesterday"}, "hour is 'yesterday'; it must be a time such as"),
        ({"job": "compact", "hour": 5}, "hour is 5"),
        ({"job": "compact", "hour": None}, "hour is None"),
        ({"job": "compact", "hour": "2026-11-28T05:00:00"}, "a full hour with its offset"),
        ({"job": "compact", "hour": "2026-11-28T05:30:00Z"}, "a full hour with its offset"),
    ],
)
@pytest.mark.emulator
def test_malformed_event_is_refused_with_its_reason(keeper: Lake, event: dict[str, Any], reason: str) -> None:
    with pytest.raises(KeeperError, match=reason):
        lambda_handler(event, Context())


def test_missing_bucket_stops_the_start_and_is_named() -> None:
    with pytest.raises(KeeperSettingsError, match="BUCKET_NAME"):
        keeper_settings({})


@pytest.mark.emulator
def test_single_due_hour_is_compacted_at_once(keeper: Lake, lake: TestLake, calls: list[datetime]) -> None:
    put_hours(lake, CLOSED)
    done = lambda_handler({"job": "compact"}, Context())
    assert (done["written"]["lines"], done["written"]["reason"]) == (2, "new")
    assert lake.keys("columns/") == [columns_key(CLOSED)]
    assert calls == []


@pytest.mark.emulator
def test_second_event_writes_nothing(keeper: Lake, lake: TestLake, calls: list[datetime]) -> None:
    put_hours(lake, CLOSED, CLOSED - HOUR)
    lambda_handler({"job": "compact"}, Context())
    before = [
        keeper.s3.head_object(Bucket=lake.bucket, Key=key)["VersionId"] for key in lake.keys("columns/")
    ]
    assert lambda_handler({"job": "compact"}, Context()) == {"hours": 0, "left": 0}
    again = {"job": "compact", "hour": CLOSED.isoformat()}
    assert lambda_handler(again, Context())["written"] is None
    assert (len(before), before) == (2, versions(lake))


@pytest.mark.emulator
def test_several_due_hours_are_compacted_oldest_first_and_once(
    keeper: Lake, lake: TestLake, calls: list[datetime]
) -> None:
    hours = [CLOSED - number * HOUR for number in (5, 3, 0)]
    put_hours(lake, *reversed(hours))
    assert lambda_handler({"job": "compact"}, Context()) == {"hours": 3, "left": 0}
    assert calls == hours
    assert due_hours(keeper, NOW) == []  # each knew the hours before it


@pytest.mark.emulator
def test_open_hour_is_left_alone(keeper: Lake, lake: TestLake, calls: list[datetime]) -> None:
    put_hours(lake, hour_of(NOW))
    assert lambda_handler({"job": "compact"}, Context()) == {"hours": 0, "left": 0}
    assert lake.keys("columns/") == []


@pytest.mark.emulator
def test_unreadable_object_fails_its_hour_alone_and_is_named(
    keeper: Lake, lake: TestLake, calls: list[datetime]
) -> None:
    hours = [CLOSED - 2 * HOUR, CLOSED - HOUR, CLOSED]
    put_hours(lake, *hours)
    broken = lake.put_broken(lake.keys("clicks/")[1])
    with pytest.raises(KeeperError, match=broken):
        lambda_handler({"job": "compact"}, Context())
    assert calls == hours
    assert lake.keys("columns/") == [columns_key(hours[0]), columns_key(hours[2])]


@pytest.mark.emulator
def test_hours_that_do_not_fit_into_the_time_are_left_to_the_next_event(
    keeper: Lake, lake: TestLake, calls: list[datetime]
) -> None:
    put_hours(lake, CLOSED - HOUR, CLOSED)
    assert lambda_handler({"job": "compact"}, Context(seconds=80)) == {"hours": 0, "left": 2}
    assert calls == []


@pytest.mark.emulator
def test_no_hour_takes_more_than_half_of_the_time_from_those_after_it(
    keeper: Lake, lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_hours(lake, CLOSED - HOUR, CLOSED)
    waits: list[float] = []
    monkeypatch.setattr(handler, "_call_itself", lambda function, hour, seconds: waits.append(seconds))
    lambda_handler({"job": "compact"}, Context(seconds=900))
    assert waits == [435, 870]


@pytest.mark.emulator
def test_old_lake_is_compacted_from_its_oldest_day_on_and_a_half_done_day_is_completed(
    keeper: Lake, lake: TestLake, calls: list[datetime]
) -> None:
    first = hour_of(NOW) - timedelta(days=40)
    old = [first, first + 2 * HOUR, first + timedelta(days=1), first + timedelta(days=20)]
    put_hours(lake, *old, CLOSED)
    assert lambda_handler({"job": "compact"}, Context()) == {"hours": 5, "left": 0}
    assert calls == [CLOSED, *old]  # the last day does not wait for the others
    assert lake.keys("columns/") == [columns_key(hour) for hour in (*old, CLOSED)]
    lake.s3.delete_object(Bucket=lake.bucket, Key=columns_key(old[1]))
    lake.s3.delete_object(Bucket=lake.bucket, Key=columns_key(old[2]))
    assert due_hours(keeper, NOW)[:2] == old[1:3]


@pytest.mark.emulator
def test_day_that_always_fails_does_not_hold_up_the_days_after_it(
    keeper: Lake, lake: TestLake, calls: list[datetime]
) -> None:
    broken, later = (hour_of(NOW) - timedelta(days=days) for days in (60, 30))
    put_hours(lake, broken, later)
    lake.put_broken(lake.keys("clicks/")[0])
    for _ in range(2):
        with pytest.raises(KeeperError, match=f"{broken:%Y-%m-%dT%H}: cannot be read"):
            lambda_handler({"job": "compact"}, Context())
    assert lake.keys("columns/") == [columns_key(later)]
