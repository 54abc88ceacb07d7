"""The keeper's reconcile: which days it takes, what it stores and says, also if it is interrupted."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from clicklake.keeper import reconciliation
from clicklake.keeper.invocation import Invocation, KeeperError, SelfCallTimeoutError
from clicklake.keeper.reconciliation import due_days, final_day
from clicklake.keeper.results import claimed, put_result, read_result, result_key
from clicklake.lake.bucket import Lake
from tests.clicklake.keeper.conftest import Context, Mailbox, SelfCalls, metrics_in
from tests.support.lakes import TestLake, click, envelope, line, new_id

pytestmark = pytest.mark.emulator

DAY = date(2026, 11, 12)  # long ago: nothing of it is in flight
MORNING = datetime(2026, 11, 14, 2, 40, tzinfo=UTC)  # the schedule's time, when DAY is final
EVENT = {"job": "reconcile", "day": str(DAY)}

Clock = Callable[[datetime], SelfCalls]


def put_day(lake: TestLake, day: date = DAY, clicks: int = 6) -> list[str]:
    """Put clicks into two hours of raw/ and clicks/, and return their ids."""
    ids = [new_id() for _ in range(clicks)]
    for hour, some in ((5, ids[: clicks // 2]), (22, ids[clicks // 2 :])):
        at = datetime(day.year, day.month, day.day, hour, 30, tzinfo=UTC)
        lake.put("raw", [envelope([click(event_id)], at) for event_id in some], at)
        lake.put("clicks", [line(event_id, at) for event_id in some], at)
    return ids


def remove_line(lake: TestLake, event_id: str) -> None:
    """Remove a line by hand."""
    for key in lake.keys("clicks/"):
        kept = [each for each in lake.body(key).splitlines(keepends=True) if event_id.encode() not in each]
        lake.s3.put_object(Bucket=lake.bucket, Key=key, Body=b"".join(kept))


def stored(lake: Lake, day: date = DAY) -> dict[str, Any]:
    found = read_result(lake, result_key("reconcile", day))
    assert found
    return found.document


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-11-14T01:00:00", "2026-11-12"),  # its last hour ended 25 hours ago
        ("2026-11-14T00:59:59", "2026-11-11"),
        ("2026-11-14T23:00:00", "2026-11-12"),
    ],
)
def test_a_day_is_final_25_hours_after_its_end(now: str, day: str) -> None:
    assert str(final_day(datetime.fromisoformat(now).replace(tzinfo=UTC))) == day


def test_the_schedules_event_reconciles_the_final_day_and_yesterday(
    keeper: Lake, lake: TestLake, clock: Clock
) -> None:
    put_day(lake)
    put_day(lake, DAY + timedelta(days=1))
    calls = clock(MORNING)
    assert calls.run({"job": "reconcile"}) == {"days": ["2026-11-12", "2026-11-13"]}
    assert (stored(keeper)["final"], stored(keeper)["accepted"], stored(keeper)["delivered"]) == (True, 6, 6)
    assert stored(keeper, DAY + timedelta(days=1))["final"] is False
    assert calls.run({"job": "reconcile"}) == {"days": ["2026-11-13"]}  # the final day is done


def test_clicks_of_yesterday_that_have_not_landed_are_in_flight(
    keeper: Lake, lake: TestLake, clock: Clock, mailbox: Mailbox
) -> None:
    yesterday = DAY + timedelta(days=1)
    ids = put_day(lake, yesterday)
    remove_line(lake, ids[-1])
    clock(MORNING).run({"job": "reconcile"})
    found = stored(keeper, yesterday)
    assert (found["delivered"], found["inFlight"], found["missing"]) == (5, 1, 0)
    assert mailbox.read() == []


def test_a_keeper_that_is_late_makes_up_for_the_days_that_have_clicks(
    keeper: Lake, lake: TestLake, clock: Clock
) -> None:
    for number in (0, 1, 2, 20):
        put_day(lake, DAY - timedelta(days=number))
    assert [str(day) for day in due_days(keeper, MORNING)] == [
        *("2026-11-10", "2026-11-11", "2026-11-12", "2026-11-13")
    ]
    clock(MORNING).run({"job": "reconcile"})
    assert [stored(keeper, DAY - timedelta(days=number))["accepted"] for number in range(3)] == [6, 6, 6]
    assert due_days(keeper, MORNING) == [DAY + timedelta(days=1)]


def test_a_line_removed_by_hand_is_named_in_the_message_after_one_run(
    keeper: Lake, lake: TestLake, clock: Clock, mailbox: Mailbox, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = put_day(lake)
    remove_line(lake, ids[2])
    clock(MORNING).run({"job": "reconcile"})
    (message,) = mailbox.read()
    assert message["Subject"] == "Clicklake dev: a click of 2026-11-12 is missing"
    assert ids[2] in message["Message"]
    assert f"s3://{lake.bucket}/keeper/dt=2026-11-12/reconcile.json" in message["Message"]
    assert f"s3://{lake.bucket}/keeper/dt=2026-11-12/missing.jsonl" in message["Message"]
    (named,) = map(json.loads, lake.body("keeper/dt=2026-11-12/missing.jsonl").splitlines())
    assert (named["eventId"], named["raw"] in lake.keys("raw/")) == (ids[2], True)
    assert stored(keeper)["missing"] == 1
    first, _ = metrics_in(capsys.readouterr().out)
    assert (first["Missing"], first["Accepted"], first["Reconciled"]) == (1, 6, 1)


def test_a_second_run_writes_the_same_and_sends_nothing(
    keeper: Lake, lake: TestLake, clock: Clock, mailbox: Mailbox
) -> None:
    remove_line(lake, put_day(lake)[0])
    clock(MORNING).run(EVENT)
    mailbox.read()
    before = lake.body(result_key("reconcile", DAY))
    clock(MORNING).run(EVENT)
    assert lake.body(result_key("reconcile", DAY)) == before
    assert mailbox.read() == []


def test_recovered_clicks_are_no_longer_missing_in_the_next_result(
    keeper: Lake, lake: TestLake, clock: Clock, mailbox: Mailbox
) -> None:
    ids = put_day(lake)
    at = datetime(2026, 11, 12, 5, 40, tzinfo=UTC)
    remove_line(lake, ids[0])
    clock(MORNING).run(EVENT)
    lake.put("clicks", [line(ids[0], at)], at)
    document = clock(MORNING).run(EVENT)
    assert (document["missing"], document["missingObject"], document["delivered"]) == (0, None, 6)


def test_an_unreadable_object_is_reported_and_the_rest_is_counted(
    keeper: Lake, lake: TestLake, clock: Clock, mailbox: Mailbox
) -> None:
    put_day(lake)
    broken = lake.put_broken(lake.keys("clicks/")[0])
    document = clock(MORNING).run(EVENT)
    assert (document["unreadable"], document["delivered"]) == ([broken], 6)
    (message,) = mailbox.read()
    assert message["Subject"] == "Clicklake dev: 2026-11-12 could not be proved complete"


def test_result_that_is_not_final_never_replaces_one_that_is(keeper: Lake) -> None:
    put_result(keeper, "reconcile", DAY, {"final": True})
    put_result(keeper, "reconcile", DAY, {"final": False})
    assert stored(keeper) == {"final": True}


# --- a day that is too large for one invocation ---


@pytest.fixture
def large_day(lake: TestLake, keeper: Lake, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A day that is handed on hour by hour, with one line missing, one copy and one unreadable object."""
    monkeypatch.setattr(reconciliation, "MAX_DAY_BYTES", 10)
    ids = put_day(lake)
    remove_line(lake, ids[4])
    at = datetime(2026, 11, 12, 6, 1, tzinfo=UTC)
    lake.put("clicks", [line(ids[0], at)], at)
    lake.put_broken(lake.keys("clicks/")[0])
    return ids


def test_a_large_day_is_handed_on_hour_by_hour_and_its_parts_add_up(
    keeper: Lake, lake: TestLake, clock: Clock, large_day: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = clock(MORNING)
    by_hours = calls.run(EVENT)
    assert [event["hour"][11:13] for event in calls.waited_for] == [f"{hour:02}" for hour in range(24)]
    assert [key for key in lake.keys("keeper/") if "parts" in key or "running" in key] == []
    monkeypatch.setattr(reconciliation, "MAX_DAY_BYTES", 10**9)
    calls = clock(MORNING)
    at_once = calls.run(EVENT)
    assert calls.waited_for == []
    assert at_once == by_hours
    assert (by_hours["accepted"], by_hours["missing"], by_hours["duplicates"]) == (6, 1, 1)


def test_a_large_day_goes_on_in_another_invocation_when_the_time_is_over(
    keeper: Lake, lake: TestLake, clock: Clock, large_day: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = clock(MORNING)
    answered = Invocation.call_itself
    left = iter([None, None, SelfCallTimeoutError("not finished")])

    def call(invocation: Invocation, event: Any, seconds: float) -> None:
        answered(invocation, event, seconds)
        if error := next(left, None):
            raise error

    monkeypatch.setattr(Invocation, "call_itself", call)
    assert calls.run(EVENT) == {"day": "2026-11-12", "handedOn": True}
    assert calls.started == [EVENT | {"round": 2}]
    assert [event["hour"][11:13] for event in calls.waited_for] == [f"{hour:02}" for hour in range(24)]
    assert stored(keeper)["missing"] == 1


def test_a_failed_hour_fails_its_day_and_says_which(
    keeper: Lake, clock: Clock, large_day: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = clock(MORNING)

    def fail(*_: Any) -> None:
        raise KeeperError("out of memory")

    monkeypatch.setattr(reconciliation, "_reconcile_hour", fail)
    with pytest.raises(KeeperError, match="2026-11-12T00: out of memory"):
        calls.run(EVENT)


# --- two runs, and runs that were killed ---


def test_only_one_of_two_runs_at_once_does_the_job(
    keeper: Lake, lake: TestLake, clock: Clock, mailbox: Mailbox
) -> None:
    remove_line(lake, put_day(lake)[0])
    with claimed(keeper, "reconcile", DAY, "another run") as is_ours:
        assert is_ours
        assert clock(MORNING).run(EVENT) == {"day": "2026-11-12", "running": True}
    clock(MORNING).run(EVENT)
    assert len(mailbox.read()) == 1


def test_lambdas_retry_takes_over_the_claim_of_the_run_that_was_killed(
    keeper: Lake, lake: TestLake, clock: Clock
) -> None:
    put_day(lake)
    killed = claimed(keeper, "reconcile", DAY, "the same request")
    killed.__enter__()
    document = clock(MORNING).run(EVENT, Context(aws_request_id="the same request"))
    assert document["delivered"] == 6
    assert not [key for key in lake.keys("keeper/") if "running" in key]
