"""What needs attention, and what to do: from parts alone, without a cloud."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clicklake.lake.partitions import HOUR
from clicklake.status.parts import (
    Alarms,
    Delivery,
    DeployedVersion,
    Freshness,
    KeeperRuns,
    LakeStatus,
    MonthSoFar,
    NewestObject,
    RaisedAlarm,
    RecentClicks,
    ReconciledDay,
    Refusal,
    StageStatus,
    Status,
    TooManyToCount,
    Versions,
    WaitingFailures,
)
from clicklake.status.words import LABELS, WORDS, ago, words_of

NOW = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
NEWEST = NewestObject("clicks/dt=2026-11-28/hr=09/a.gz", NOW - timedelta(minutes=2))
RESULT = ReconciledDay(
    "keeper/dt=2026-11-26/reconcile.json", (NOW - timedelta(days=2)).date(), NOW - timedelta(hours=6), 0
)
SO_FAR = ReconciledDay(
    "keeper/dt=2026-11-27/reconcile.json", (NOW - timedelta(days=1)).date(), NOW - timedelta(hours=6), 0, 4
)
RUNS = KeeperRuns(RESULT, SO_FAR, NEWEST, NOW - HOUR, (), (NOW - timedelta(days=30)).date(), is_expected=True)
NO_FAILURES = WaitingFailures(0, 0, {}, is_complete=True)
WELL = LakeStatus(
    delivery=Delivery(NEWEST, NEWEST, None),
    recent=RecentClicks(NOW - 2 * HOUR, 5, 4, 0, 1, 0),
    failures=NO_FAILURES,
    keeper=RUNS,
)
AWS = StageStatus(
    freshness=Freshness(61, NOW),
    alarms=Alarms(12, ()),
    month=MonthSoFar(NOW.replace(day=1), 3000, 1000, 0.42, "CloudWatch"),
    versions=Versions("0.2.0", {"ingest": DeployedVersion("0.2.0", NOW), "dashboard": None}),
)


def status(lake: LakeStatus = WELL, aws: StageStatus = AWS, stage: str | None = "dev") -> Status:
    return Status("lake", stage, NOW, lake, aws)


def test_a_stage_that_is_well_needs_nothing() -> None:
    assert status().attention == []
    assert status().refusals == {}


RAISED = RaisedAlarm("DeliveryIsLate", NOW - HOUR, "The oldest click has waited for more than an hour.")
OLD_RESULT = RESULT._replace(finished_at=NOW - timedelta(hours=50))
LOST = RESULT._replace(missing=3)


@pytest.mark.parametrize(
    ("lake", "aws", "part", "what", "todo"),
    [
        (
            {"delivery": Delivery(NEWEST, NEWEST, NOW - 2 * HOUR)},
            {"freshness": None},
            "delivery",
            "no line has landed of the clicks that were accepted since 2026-11-28 07:30 UTC",
            "/aws/kinesisfirehose/clicklake-dev",
        ),
        ({}, {"freshness": Freshness(5400, NOW)}, "freshness", "has waited for 90 minutes", "DeliveryIsLate"),
        (
            {"failures": WaitingFailures(2, 40, {"Lambda.FunctionError": 40}, is_complete=True)},
            {},
            "failures",
            "40 records wait in failed/",
            "clicklake replay --stage dev",
        ),
        (
            {"failures": WaitingFailures(900, 40, {"Lambda.FunctionError": 40}, is_complete=False)},
            {},
            "failures",
            "at least 40 records",
            "What failed",
        ),
        (
            {"keeper": replace(RUNS, reconcile=LOST)},
            {},
            "keeper",
            "3 clicks of 2026-11-26 are missing; keeper/dt=2026-11-26/reconcile.json names them",
            "clicklake reconcile --stage dev --from 2026-11-26 --to 2026-11-26 --recover",
        ),
        (
            {"keeper": replace(RUNS, so_far=SO_FAR._replace(missing=2))},
            {},
            "keeper",
            "2 clicks of 2026-11-27 are missing; keeper/dt=2026-11-27/reconcile.json names them",
            "clicklake reconcile --stage dev --from 2026-11-27 --to 2026-11-27 --recover",
        ),
        (
            {"keeper": replace(RUNS, reconcile=OLD_RESULT)},
            {},
            "keeper",
            "the last reconciliation finished at 2026-11-26 07:30 UTC",
            "clicklake reconcile --stage dev",
        ),
        (
            {"keeper": replace(RUNS, reconcile=None, so_far=None)},
            {},
            "keeper",
            "no day has been reconciled",
            "reconcile",
        ),
        (
            {"keeper": replace(RUNS, reconcile=None)},
            {},
            "keeper",
            "no final day has been reconciled",
            "reconcile",
        ),
        (
            {"keeper": replace(RUNS, not_compacted=(NOW - 5 * HOUR, NOW - 4 * HOUR))},
            {},
            "keeper",
            "2 hours are not compacted, from 2026-11-28 04:00 UTC",
            "clicklake compact --stage dev",
        ),
        (
            {},
            {"alarms": Alarms(12, (RAISED,))},
            "alarms",
            "DeliveryIsLate since 2026-11-28 08:30",
            RAISED.todo,
        ),
        (
            {},
            {"versions": Versions("0.2.0", {"processor": DeployedVersion("0.1.0", NOW)})},
            "versions",
            "processor is 0.1.0, this checkout is 0.2.0",
            "clicklake deploy --stage dev",
        ),
        (
            {},
            {"versions": Versions("0.2.0", {"ingest": DeployedVersion(None, NOW)})},
            "versions",
            "ingest is of an unknown version",
            "clicklake deploy",
        ),
    ],
)
def test_each_fault_is_named_with_what_to_do(
    lake: dict[str, Any], aws: dict[str, Any], part: str, what: str, todo: str
) -> None:
    (found,) = status(replace(WELL, **lake), replace(AWS, **aws)).attention
    assert found.part == part
    assert what in found.what
    assert todo in found.todo


@pytest.mark.parametrize(
    ("lake", "aws"),
    [
        ({"delivery": Delivery(NEWEST, NEWEST, NOW - timedelta(minutes=40))}, {"freshness": None}),
        ({}, {"freshness": Freshness(3600, NOW)}),
        ({"keeper": replace(RUNS, reconcile=None, has_traffic_since=NOW.date())}, {}),
        ({"keeper": replace(RUNS, reconcile=None, has_traffic_since=None)}, {}),
        ({"keeper": replace(RUNS, reconcile=None, is_expected=False)}, {}),
        ({"recent": TooManyToCount(NOW - 2 * HOUR, 10**9)}, {"alarms": Alarms(0, ()), "month": None}),
    ],
)
def test_what_is_no_fault_needs_nothing(lake: dict[str, Any], aws: dict[str, Any]) -> None:
    assert status(replace(WELL, **lake), replace(AWS, **aws)).attention == []


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        (
            RUNS,
            "reconciled 2026-11-26, 0 missing, 6 h 0 min ago;"
            " 2026-11-27 so far: 0 missing, 4 in flight, 6 h 0 min ago; ",
        ),
        (replace(RUNS, so_far=None), "reconciled 2026-11-26, 0 missing, 6 h 0 min ago; compacted"),
        (replace(RUNS, reconcile=None), "no final day reconciled yet; 2026-11-27 so far: 0 missing, "),
    ],
)
def test_a_day_that_is_not_final_is_shown_so_far(runs: KeeperRuns, words: str) -> None:
    """Its clicks in flight are not missing, and it does not hide the final day before it."""
    assert words_of(status(replace(WELL, keeper=runs)))["keeper"].startswith(words)


def test_a_refused_part_is_named_with_its_action_and_needs_nothing() -> None:
    refused = status(
        replace(WELL, keeper=Refusal("s3:GetObject")),
        replace(AWS, alarms=Refusal("cloudwatch:DescribeAlarms")),
    )
    assert refused.refusals == {"keeper": "s3:GetObject", "alarms": "cloudwatch:DescribeAlarms"}
    assert refused.attention == []


def test_what_to_do_names_the_bucket_where_no_stage_is_known() -> None:
    failures = WaitingFailures(1, 1, {"Lambda.FunctionError": 1}, is_complete=True)
    nothing = StageStatus(None, None, None, None)
    (found,) = status(replace(WELL, failures=failures), nothing, stage=None).attention
    assert "clicklake replay --bucket lake" in found.todo


def test_every_part_has_a_label_and_words() -> None:
    parts = {*vars(WELL), *vars(AWS)}
    assert parts == LABELS.keys() == WORDS.keys()


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=-5), "0 s ago"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(minutes=61), "1 h 1 min ago"),
        (timedelta(minutes=2), "2 min ago"),
        (timedelta(days=2, hours=3), "2 d 3 h ago"),
    ],
)
def test_an_age_is_said_in_its_largest_units(passed: timedelta, words: str) -> None:
    assert ago(NOW - passed, NOW) == words
