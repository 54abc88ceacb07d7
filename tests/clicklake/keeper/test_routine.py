"""The daily routine as a whole: a healthy week, kills at any request, two runs at once, missed days."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from clicklake.keeper.results import read_result, result_key
from clicklake.lake.bucket import Lake
from tests.clicklake.keeper.conftest import Mailbox, SelfCalls, metrics_in
from tests.clicklake.keeper.test_reconcile_job import put_day, remove_line
from tests.cloudformation.templates import load
from tests.support.killing import kill_often, requests_of, run_killed
from tests.support.lakes import TestLake
from tests.support.paths import ROOT

pytestmark = [pytest.mark.emulator, pytest.mark.timeout(900)]

DAY = date(2026, 11, 12)
HOUR = timedelta(hours=1)

Clock = Callable[[datetime], SelfCalls]
Points = list[tuple[datetime, dict[str, int]]]


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def sounds(name: str, points: Points, since: datetime, until: datetime) -> bool:
    """Evaluate an alarm of alarms.yaml every hour, as CloudWatch does: the emulator keeps no such metrics."""
    alarm = load(ROOT / "cloudformation" / "alarms.yaml")["Resources"][name]["Properties"]
    assert alarm["Period"] == 3600
    now = since
    while now <= until:
        periods = [now - number * HOUR for number in range(alarm["EvaluationPeriods"])]
        if all(_breaches(alarm, points, end) for end in periods):
            return True
        now += HOUR
    return False


def _breaches(alarm: dict[str, Any], points: Points, end: datetime) -> bool:
    values = [found[alarm["MetricName"]] for when, found in points if end - HOUR < when <= end]
    if not values:
        return bool(alarm["TreatMissingData"] == "breaching")
    value = sum(values) if alarm["Statistic"] == "Sum" else max(values)
    less = alarm["ComparisonOperator"] == "LessThanThreshold"
    threshold: int = alarm["Threshold"]
    return value < threshold if less else value > threshold


def live(
    days: list[date], lake: TestLake, clock: Clock, capsys: pytest.CaptureFixture[str], late: timedelta
) -> Points:
    """Run the schedules of these mornings, each late by so much. Return the metrics of reconcile."""
    points: Points = []
    for day in days:
        for job, moment in (("key", at(day, 0, 10)), ("reconcile", at(day, 2, 40)), ("mail", at(day, 7))):
            clock(moment + late).run({"job": job})
            printed = metrics_in(capsys.readouterr().out)
            points += [(moment + late, found) for found in printed if "Reconciled" in found]
    return points


def test_seven_healthy_days_give_seven_mails_and_no_alarm(
    keeper: Lake,
    lake: TestLake,
    clock: Clock,
    mailbox: Mailbox,
    visitor_key_table: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    week = [DAY + timedelta(days=number) for number in range(7)]
    for day in (DAY - timedelta(days=2), DAY - timedelta(days=1), *week):
        put_day(lake, day, clicks=2)
    points = live(week, lake, clock, capsys, late=timedelta())
    subjects = [message["Subject"] for message in mailbox.read()]
    assert len(subjects) == 7
    assert all(subject.startswith("Clicklake dev: 2 clicks on ") for subject in subjects)
    begin, end = at(week[1], 3), at(week[-1], 23)
    assert not sounds("ClicksAreMissing", points, begin, end)
    assert not sounds("KeeperIsLate", points, begin, end)
    # The same evaluation finds a keeper that stops, and a click that is missing.
    assert sounds("KeeperIsLate", points, begin, at(week[-1] + timedelta(days=1), 6))
    assert sounds("ClicksAreMissing", [*points, (end, points[0][1] | {"Missing": 1})], begin, end)


def test_a_new_stage_raises_no_alarm(keeper: Lake, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Its deployment starts the keeper before the alarm exists, at any time of the day."""
    deployed = at(DAY, 15, 5)
    clock(deployed).run({"job": "reconcile"})
    points: Points = [(deployed, found) for found in metrics_in(capsys.readouterr().out)]
    clock(at(DAY + timedelta(days=1), 2, 40)).run({"job": "reconcile"})
    points += [(at(DAY + timedelta(days=1), 2, 40), found) for found in metrics_in(capsys.readouterr().out)]
    assert not sounds("KeeperIsLate", points, deployed + HOUR, at(DAY + timedelta(days=1), 23))


def test_a_keeper_that_is_two_days_late_stores_the_same_results_and_is_reported(
    keeper: Lake,
    lake: TestLake,
    clock: Clock,
    mailbox: Mailbox,
    visitor_key_table: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    days = [DAY + timedelta(days=number) for number in range(3)]
    for day in days:
        put_day(lake, day, clicks=2)
    points = live([DAY + timedelta(days=2)], lake, clock, capsys, late=timedelta(days=2))
    for day in days:
        found = read_result(keeper, result_key("reconcile", day))
        assert found
        assert (found.document["final"], found.document["delivered"]) == (True, 2)
    assert sounds("KeeperIsLate", points, at(DAY, 3), at(DAY + timedelta(days=5), 0))


# --- killed, and started twice ---


def event_of(job: str, request_id: str = "a request") -> list[str]:
    event = json.dumps({"job": job, "day": str(DAY)})
    return ["keeper", event, at(DAY + timedelta(days=2), 7).isoformat(), request_id]


@pytest.mark.parametrize(
    ("job", "kills"),
    [
        ("reconcile", 1),
        pytest.param("reconcile", 50, marks=pytest.mark.long),
        pytest.param("mail", 50, marks=pytest.mark.long),
    ],
)
def test_wherever_it_is_killed_the_result_is_the_same_and_no_message_is_lost(
    keeper: Lake, lake: TestLake, mailbox: Mailbox, job: str, kills: int
) -> None:
    """Lambda starts a killed invocation again, with the same request id."""
    env = dict(os.environ)
    remove_line(lake, put_day(lake)[0])
    requests = requests_of(event_of(job), env)
    key = result_key(job, DAY)
    expected = lake.body(key)
    (first,) = mailbox.read()
    lake.s3.delete_object(Bucket=lake.bucket, Key=key)
    # While it has not finished once, each run begins anew; so it makes as many requests.
    kill_often(event_of(job), env, kills=kills, requests=requests - 3, seed=kills)
    assert not run_killed(event_of(job), env, 0, "before")
    assert lake.body(key) == expected
    messages = {message["Message"] for message in mailbox.read()}
    assert messages == {first["Message"]}
    assert [found for found in lake.keys("keeper/") if "running" in found or "parts" in found] == []


def test_two_runs_at_once_store_one_result_and_send_one_message(
    keeper: Lake, lake: TestLake, mailbox: Mailbox
) -> None:
    remove_line(lake, put_day(lake)[0])
    command = [sys.executable, "-m", "tests.support.killing", "0", "before"]
    started = [
        subprocess.Popen(
            [*command, *event_of("reconcile", name)],
            cwd=ROOT,
            env=dict(os.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for name in ("one", "another")
    ]
    for process in started:
        process.communicate(timeout=120)
        assert process.returncode == 0
    assert len(mailbox.read()) == 1
    found = read_result(keeper, result_key("reconcile", DAY))
    assert found
    assert found.document["missing"] == 1
