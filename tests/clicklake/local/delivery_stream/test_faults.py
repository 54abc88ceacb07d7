"""Fault plans, and when each fault is due."""

from typing import Any

import pytest

from clicklake.local.delivery_stream.faults import FaultPlan, Faults, S3DownError, parse_plan


def test_no_fault_is_active_by_default() -> None:
    faults = Faults()
    assert faults.next_put() == faults.next_put()
    assert not faults.next_put().throttle
    assert not faults.next_record_fails()
    assert not faults.deliver_twice()
    faults.check_s3()


def test_every_nth_put_counts_from_when_the_plan_was_made() -> None:
    faults = Faults()
    faults.next_put()
    faults.use(parse_plan({"throttleEvery": 3}))
    assert [faults.next_put().throttle for _ in range(6)] == [False, False, True, False, False, True]


def test_all_faults_of_a_plan_are_active_together() -> None:
    faults = Faults()
    faults.use(parse_plan({"delaySeconds": 0.5, "dropBeforeEvery": 1, "dropAfterEvery": 2}))
    first, second = faults.next_put(), faults.next_put()
    assert (first.delay_seconds, first.drop_before, first.drop_after) == (0.5, True, False)
    assert second.drop_after


def test_new_plan_replaces_the_old_one() -> None:
    faults = Faults()
    faults.use(parse_plan({"throttleEvery": 1, "deliverTwice": True}))
    faults.use(parse_plan({}))
    assert faults.plan == FaultPlan()
    assert not faults.next_put().throttle


def test_s3_is_down_while_the_plan_says_so() -> None:
    faults = Faults()
    faults.use(parse_plan({"s3DownSeconds": 60}))
    with pytest.raises(S3DownError):
        faults.check_s3()
    faults.use(FaultPlan())
    faults.check_s3()


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([], "must be a JSON object"),
        (None, "must be a JSON object"),
        ({"throttle": 1}, "'throttle' is not a fault; these are: throttleEvery"),
        ({"throttleEvery": "3"}, "throttleEvery must be of the type int"),
        ({"throttleEvery": True}, "throttleEvery must be of the type int"),
        ({"throttleEvery": 1.5}, "throttleEvery must be of the type int"),
        ({"throttleEvery": -1}, "throttleEvery must be from 0 to 3600"),
        ({"delaySeconds": 3601}, "delaySeconds must be from 0 to 3600"),
        ({"delaySeconds": float("nan")}, "delaySeconds must be from 0"),
        ({"deliverTwice": 1}, "deliverTwice must be of the type bool"),
    ],
)
def test_invalid_plan_is_refused_with_a_reason(given: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_plan(given)
