"""The keeper's function: a schedule starts it every hour, and it brings columns/ up to date.

    {"job": "compact"}                                    find the hours that are due, and have each compacted
    {"job": "compact", "hour": "2026-11-28T05:00:00Z"}    compact that hour

One invocation compacts one hour, so an hour that takes too long or too much memory fails alone. If several
are due, the function calls itself once for each and waits: an hour decides what counts in the hours after
it, so the oldest comes first. Running any event again is safe: an hour that is up to date is left alone.
"""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from clicklake.keeper.compaction import UnreadableHourError, compact_hour, due_hours
from clicklake.keeper.settings import keeper_settings
from clicklake.lake.bucket import Lake, find_lake
from clicklake.lake.loopback import new_client

JOBS = ("compact",)
SPARE_SECONDS = 30  # to report, before Lambda ends the invocation
MIN_HOUR_SECONDS = 60  # do not begin an hour with less left

log = logging.getLogger("clicklake.keeper")
log.setLevel(logging.INFO)


class KeeperError(Exception):
    """A job failed, or its event is malformed. Lambda retries twice, then puts the event on the queue."""


class LambdaContext(Protocol):
    function_name: str

    def get_remaining_time_in_millis(self) -> int: ...


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Return what was done. Raises KeeperError naming each hour that failed and why."""
    job = event.get("job")
    if job not in JOBS:
        raise KeeperError(f"job is {job!r}; it must be one of {', '.join(JOBS)}")
    lake = find_lake("", keeper_settings().bucket, new_client)
    hour = _parse_hour(event["hour"]) if "hour" in event else None
    if hour:
        return _compact_one(lake, hour)
    hours = due_hours(lake, datetime.now(UTC))
    log.info("hours to compact: %d", len(hours))
    if len(hours) == 1:
        return _compact_one(lake, hours[0])
    return _compact_each(hours, context)


def _parse_hour(text: Any) -> datetime:
    try:
        hour = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise KeeperError(f"hour is {text!r}; it must be a time such as 2026-11-28T05:00:00Z") from None
    if hour.tzinfo is None or (hour.minute, hour.second, hour.microsecond) != (0, 0, 0):
        raise KeeperError(f"hour is {text!r}; it must be a full hour with its offset from UTC")
    return hour.astimezone(UTC)


def _compact_one(lake: Lake, hour: datetime) -> dict[str, Any]:
    try:
        done = compact_hour(lake, hour)
    except UnreadableHourError as error:
        raise KeeperError(f"{hour:%Y-%m-%dT%H}: {error}") from error
    log.info("%s", json.dumps(done))
    return done


def _compact_each(hours: list[datetime], context: LambdaContext) -> dict[str, Any]:
    """Call the function once for each hour while time is left; the next event finds the others.

    Wait for no hour longer than half of what is left, so that a huge one does not hold up all others. It
    goes on meanwhile.
    """
    done, failures = 0, []
    for hour in hours:
        seconds = context.get_remaining_time_in_millis() / 1000 - SPARE_SECONDS
        if seconds < MIN_HOUR_SECONDS:
            break
        wait = seconds if hour == hours[-1] else seconds / 2
        if reason := _call_itself(context.function_name, hour, wait):
            log.error("%s: %s", f"{hour:%Y-%m-%dT%H}", reason)
            failures.append(f"{hour:%Y-%m-%dT%H}: {reason}")
        done += 1
    if failures:
        raise KeeperError("; ".join(failures))
    return {"hours": done, "left": len(hours) - done}


def _call_itself(
    function: str, hour: datetime, seconds: float, client: Callable[..., Any] = new_client
) -> str | None:
    """Return why the hour failed; None if it was compacted.

    There is no retry here: it would start the hour a second time while the first goes on.
    """
    config = Config(read_timeout=seconds, retries={"total_max_attempts": 1})
    event = {"job": "compact", "hour": f"{hour:%Y-%m-%dT%H:%M:%SZ}"}
    try:
        response = client("lambda", config=config).invoke(
            FunctionName=function, InvocationType="RequestResponse", Payload=json.dumps(event)
        )
    except ReadTimeoutError:
        return f"not finished within {seconds:.0f} s"
    if "FunctionError" not in response:
        return None
    return str(json.loads(response["Payload"].read()).get("errorMessage"))
