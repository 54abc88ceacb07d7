"""The keeper's events: malformed ones are refused, due hours are compacted, and a second run does nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clicklake.keeper.compaction import due_hours
from clicklake.keeper.handler import lambda_handler
from clicklake.keeper.invocation import Invocation, KeeperError
from clicklake.keeper.settings import KeeperSettingsError, keeper_settings
from clicklake.lake.bucket import Lake
from clicklake.lake.columns import columns_key
from clicklake.lake.partitions import HOUR, hour_of
from tests.clicklake.keeper.conftest import Context, SelfCalls
from tests.support.lakes import TestLake, line, new_id

NOW = datetime.now(UTC)
CLOSED = hour_of(NOW) - 2 * HOUR


@pytest.fixture
def calls(clock: Callable[[datetime], SelfCalls]) -> SelfCalls:
    return clock(NOW)


def hours_of(calls: SelfCalls) -> list[datetime]:
    return [datetime.fromisoformat(event["hour"]) for event in calls.waited_for]


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
        ({"job": "clean"}, "job is 'clean'; it must be one of compact, reconcile, key, mail, replay"),
        ({"job": ["compact"]}, r"job is \['compact'\]"),
        ({"job": "reconcile", "day": "yesterday"}, "day is 'yesterday'; it must be a date such as"),
        ({"job": "reconcile", "day": None}, "day is None"),
        ({"job": "reconcile", "day": "2999-01-01"}, "day is '2999-01-01'; it must be .* or earlier"),
        ({"job": "reconcile", "day": "2026-11-20", "hour": "2026-11-21T05:00:00Z"}, "an hour of 2026-11-20"),
        ({"job": "reconcile", "day": "2026-11-20", "round": "2"}, "round is '2'; it must be a number from 1"),
        ({"job": "reconcile", "day": "2026-11-20", "round": 15}, "not done after 14 times 15 minutes"),
        ({"job": "mail", "day": 5}, "day is 5"),
        ({"job": "key"}, "VISITOR_KEY_TABLE is not set"),
        ({"job": "replay"}, "AUTO_REPLAY is no"),
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


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({}, "BUCKET_NAME is not set"),
        (
            {"BUCKET_NAME": "lake", "MAIL_ZONE": "Berlin"},
            "MAIL_ZONE is 'Berlin'; it must be an IANA time zone",
        ),
        ({"BUCKET_NAME": "lake", "MAIL_ZONE": "../../etc"}, "MAIL_ZONE is"),
        ({"BUCKET_NAME": "lake", "AUTO_REPLAY": "true"}, "AUTO_REPLAY is 'true'; it must be yes or no"),
    ],
)
def test_invalid_setting_stops_the_start_and_is_named(variables: dict[str, str], reason: str) -> None:
    with pytest.raises(KeeperSettingsError, match=reason):
        keeper_settings(variables)


@pytest.mark.emulator
def test_single_due_hour_is_compacted_at_once(keeper: Lake, lake: TestLake, calls: SelfCalls) -> None:
    put_hours(lake, CLOSED)
    done = lambda_handler({"job": "compact"}, Context())
    assert (done["written"]["lines"], done["written"]["reason"]) == (2, "new")
    assert lake.keys("columns/") == [columns_key(CLOSED)]
    assert calls.waited_for == []


@pytest.mark.emulator
def test_second_event_writes_nothing(keeper: Lake, lake: TestLake, calls: SelfCalls) -> None:
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
    keeper: Lake, lake: TestLake, calls: SelfCalls
) -> None:
    hours = [CLOSED - number * HOUR for number in (5, 3, 0)]
    put_hours(lake, *reversed(hours))
    assert lambda_handler({"job": "compact"}, Context()) == {"hours": 3, "left": 0}
    assert hours_of(calls) == hours
    assert due_hours(keeper, NOW) == []  # each knew the hours before it


@pytest.mark.emulator
def test_open_hour_is_left_alone(keeper: Lake, lake: TestLake, calls: SelfCalls) -> None:
    put_hours(lake, hour_of(NOW))
    assert lambda_handler({"job": "compact"}, Context()) == {"hours": 0, "left": 0}
    assert lake.keys("columns/") == []


@pytest.mark.emulator
def test_unreadable_object_fails_its_hour_alone_and_is_named(
    keeper: Lake, lake: TestLake, calls: SelfCalls
) -> None:
    hours = [CLOSED - 2 * HOUR, CLOSED - HOUR, CLOSED]
    put_hours(lake, *hours)
    broken = lake.put_broken(lake.keys("clicks/")[1])
    with pytest.raises(KeeperError, match=broken):
        lambda_handler({"job": "compact"}, Context())
    assert hours_of(calls) == hours
    assert lake.keys("columns/") == [columns_key(hours[0]), columns_key(hours[2])]


@pytest.mark.emulator
def test_hours_that_do_not_fit_into_the_time_are_left_to_the_next_event(
    keeper: Lake, lake: TestLake, calls: SelfCalls
) -> None:
    put_hours(lake, CLOSED - HOUR, CLOSED)
    assert lambda_handler({"job": "compact"}, Context(seconds=80)) == {"hours": 0, "left": 2}
    assert calls.waited_for == []


@pytest.mark.emulator
def test_no_hour_takes_more_than_half_of_the_time_from_those_after_it(
    keeper: Lake, lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_hours(lake, CLOSED - HOUR, CLOSED)
    waits: list[float] = []
    monkeypatch.setattr(Invocation, "call_itself", lambda invocation, event, seconds: waits.append(seconds))
    lambda_handler({"job": "compact"}, Context(seconds=900))
    assert waits == [435, 870]


@pytest.mark.emulator
def test_old_lake_is_compacted_from_its_oldest_day_on_and_a_half_done_day_is_completed(
    keeper: Lake, lake: TestLake, calls: SelfCalls
) -> None:
    first = hour_of(NOW) - timedelta(days=40)
    old = [first, first + 2 * HOUR, first + timedelta(days=1), first + timedelta(days=20)]
    put_hours(lake, *old, CLOSED)
    assert lambda_handler({"job": "compact"}, Context()) == {"hours": 5, "left": 0}
    assert hours_of(calls) == [CLOSED, *old]  # the last day does not wait for the others
    assert lake.keys("columns/") == [columns_key(hour) for hour in (*old, CLOSED)]
    lake.s3.delete_object(Bucket=lake.bucket, Key=columns_key(old[1]))
    lake.s3.delete_object(Bucket=lake.bucket, Key=columns_key(old[2]))
    assert due_hours(keeper, NOW)[:2] == old[1:3]


@pytest.mark.emulator
def test_day_that_always_fails_does_not_hold_up_the_days_after_it(
    keeper: Lake, lake: TestLake, calls: SelfCalls
) -> None:
    broken, later = (hour_of(NOW) - timedelta(days=days) for days in (60, 30))
    put_hours(lake, broken, later)
    lake.put_broken(lake.keys("clicks/")[0])
    for _ in range(2):
        with pytest.raises(KeeperError, match=f"{broken:%Y-%m-%dT%H}: cannot be read"):
            lambda_handler({"job": "compact"}, Context())
    assert lake.keys("columns/") == [columns_key(later)]
