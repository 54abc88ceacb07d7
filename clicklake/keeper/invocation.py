"""One invocation of the keeper: its settings, the time that is left, and calls of the function itself."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol

from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from clicklake.keeper.settings import KeeperSettings
from clicklake.lake.bucket import Lake
from clicklake.lake.loopback import new_client

SPARE_SECONDS = 30  # to report, before Lambda ends the invocation
MIN_HOUR_SECONDS = 60  # do not begin an hour with less left

Event = Mapping[str, Any]


class KeeperError(Exception):
    """A job failed, or its event is malformed. Lambda retries twice, then puts the event on the queue."""


class SelfCallError(Exception):
    """The function that called itself failed. The message is the callee's."""


class SelfCallTimeoutError(SelfCallError):
    """The callee has not answered yet; it goes on."""


class LambdaContext(Protocol):
    function_name: str
    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...


@dataclass(frozen=True)
class Invocation:
    lake: Lake
    settings: KeeperSettings
    context: LambdaContext
    now: datetime
    client: Callable[..., Any] = new_client

    def seconds_left(self) -> float:
        return self.context.get_remaining_time_in_millis() / 1000 - SPARE_SECONDS

    def call_itself(self, event: Event, seconds: float) -> None:
        """Wait until the callee is done. Raises SelfCallError.

        There is no retry here: it would start the job a second time while the first goes on.
        """
        config = Config(read_timeout=seconds, retries={"total_max_attempts": 1})
        try:
            response = self._invoke(self.client("lambda", config=config), event, "RequestResponse")
        except ReadTimeoutError:
            raise SelfCallTimeoutError(f"not finished within {seconds:.0f} s") from None
        if "FunctionError" in response:
            raise SelfCallError(str(json.loads(response["Payload"].read()).get("errorMessage")))

    def start_itself(self, event: Event) -> None:
        """Start another invocation, and wait for nothing. Lambda retries it twice if it fails."""
        self._invoke(self.client("lambda"), event, "Event")

    def _invoke(self, client: Any, event: Event, kind: str) -> Any:
        name = self.context.function_name
        return client.invoke(FunctionName=name, InvocationType=kind, Payload=json.dumps(event))


def parse_hour(text: Any) -> datetime:
    try:
        hour = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise KeeperError(f"hour is {text!r}; it must be a time such as 2026-11-28T05:00:00Z") from None
    if hour.tzinfo is None or (hour.minute, hour.second, hour.microsecond) != (0, 0, 0):
        raise KeeperError(f"hour is {text!r}; it must be a full hour with its offset from UTC")
    return hour.astimezone(UTC)


def parse_day(text: Any, today: date) -> date:
    """Return the day. Raises KeeperError for anything else, and for days that have not begun."""
    try:
        day = date.fromisoformat(text)
    except (TypeError, ValueError):
        raise KeeperError(f"day is {text!r}; it must be a date such as 2026-11-28") from None
    if day > today:
        raise KeeperError(f"day is {text!r}; it must be {today} or earlier")
    return day


def format_hour(hour: datetime) -> str:
    return f"{hour:%Y-%m-%dT%H:%M:%SZ}"
