"""Every alarm of the stage, raised by hand and put back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from clicklake.deploy import names
from clicklake.verify.rows import CheckSkippedError, Recorder, require
from clicklake.verify.stage import StageUnderTest

REASON = "clicklake verify raises each alarm once; nothing is wrong"
BACK = "clicklake verify put the alarm back"


def check_alarms(recorder: Recorder, stage: StageUnderTest) -> None:
    cloudwatch, stack = stage.aws.client("cloudwatch"), names.alarms_stack(stage.name)
    try:
        alarms = [*_alarms(cloudwatch, stack)]
    except ClientError as error:
        reason = f"the alarms cannot be listed: {error.response['Error'].get('Message', error)}"
        alarms = []
    else:
        reason = f"this endpoint has no alarms of the stack {stack}"
    if not alarms:
        recorder.check("the alarms", "each can be raised", lambda: _skip(reason))
    for alarm in alarms:
        name = alarm["AlarmName"].removeprefix(f"{stack}-").rpartition("-")[0] or alarm["AlarmName"]
        recorder.check(
            f"alarm {name}",
            "raised by hand, and put back",
            lambda alarm=alarm: _raise_once(cloudwatch, alarm),  # type: ignore[misc]
        )


def _skip(reason: str) -> str:
    raise CheckSkippedError(reason)


def _alarms(cloudwatch: Any, stack: str) -> Iterator[Any]:
    for page in cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{stack}-"):
        yield from page.get("MetricAlarms", [])


def _raise_once(cloudwatch: Any, alarm: Any) -> str:
    name, before = alarm["AlarmName"], alarm["StateValue"]
    with _put_back(cloudwatch, name, before):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason=REASON)
        raised = _state(cloudwatch, name)
    after = _state(cloudwatch, name)
    actions = len(alarm.get("AlarmActions", []))
    seen = f"{before}, {raised}, {after}; it notifies {actions} topic{'' if actions == 1 else 's'}"
    return require(raised == "ALARM" and after == before and actions > 0, seen)


@contextmanager
def _put_back(cloudwatch: Any, name: str, state: str) -> Iterator[None]:
    try:
        yield
    finally:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason=BACK)


def _state(cloudwatch: Any, name: str) -> str:
    (found,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    state: str = found["StateValue"]
    return state
