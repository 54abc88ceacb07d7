"""The keeper that fails, runs twice at once, or is late, while clicks are on their way."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from clicklake.lake.partitions import hour_of
from tests.faults.cloud import Cloud
from tests.support.lakes import click, envelope, line, new_id
from tests.support.landed import eventually

KEEPER = "clicklake-keeper-dev"
STACK = "clicklake-lake-dev"
LATE_DAYS = 3  # final days without a result
LATE_SECONDS = 60


def invoke(cloud: Cloud, **event: str) -> Any:
    """Return the function's answer; with `errorMessage` if it failed."""
    response = cloud.client("lambda").invoke(FunctionName=KEEPER, Payload=json.dumps(event))
    return json.loads(response["Payload"].read())


def today() -> str:
    return str(datetime.now(UTC).date())


@contextmanager
def failing_keeper(cloud: Cloud) -> Iterator[None]:
    """An object of a closed hour cannot be read."""
    hour = hour_of(datetime.now(UTC)) - timedelta(hours=4)
    lake = cloud.lake
    broken = lake.put_broken(lake.put("clicks", [line(new_id(), hour)], hour))
    assert broken in invoke(cloud, job="compact", hour=f"{hour:%Y-%m-%dT%H:%M:%SZ}")["errorMessage"]
    yield
    lake.s3.delete_object(Bucket=lake.bucket, Key=broken)
    assert invoke(cloud, job="compact", hour=f"{hour:%Y-%m-%dT%H:%M:%SZ}")["written"]["events"] == 1


def run_twice(cloud: Cloud) -> None:
    """Both events of a day arrive twice at once."""
    cloud.settle()
    events = [{"job": job, "day": today()} for job in ("reconcile", "reconcile", "mail", "mail")]
    with ThreadPoolExecutor(len(events)) as threads:
        answers = list(threads.map(lambda event: invoke(cloud, **event), events))
    assert [answer for answer in answers if "errorMessage" in answer] == []
    stored = json.loads(cloud.lake.body(f"keeper/dt={today()}/reconcile.json"))
    assert (stored["missing"], stored["unreadable"]) == (0, [])


def run_late(cloud: Cloud) -> None:
    """Nobody has started it for days. Then one event makes up for the days that are final."""
    lake = cloud.lake
    days = [datetime.now(UTC) - timedelta(days=number + 3) for number in range(LATE_DAYS)]
    for at in days:
        event_id = new_id()
        lake.put("raw", [envelope([click(event_id)], at)], at)
        lake.put("clicks", [line(event_id, at)], at)
    invoke(cloud, job="reconcile")
    for at in days:
        key = f"keeper/dt={at:%Y-%m-%d}/reconcile.json"
        assert eventually(partial(lake.keys, key), seconds=LATE_SECONDS), key
        stored = json.loads(lake.body(key))
        assert (stored["final"], stored["missing"], stored["delivered"] >= 1) == (True, 0, True)


def replay_by_keeper(cloud: Cloud) -> None:
    """With AutoReplay=yes, nobody types `clicklake replay`."""
    stacks = cloud.client("cloudformation")
    known = stacks.describe_stacks(StackName=STACK)["Stacks"][0]["Parameters"]
    kept = [
        {"ParameterKey": parameter["ParameterKey"], "UsePreviousValue": True}
        for parameter in known
        if parameter["ParameterKey"] != "AutoReplay"
    ]
    stacks.update_stack(
        StackName=STACK,
        UsePreviousTemplate=True,
        Parameters=[*kept, {"ParameterKey": "AutoReplay", "ParameterValue": "yes"}],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    stacks.get_waiter("stack_update_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    done = invoke(cloud, job="replay")
    assert sum(done["replayed"].values()) > 0, done
