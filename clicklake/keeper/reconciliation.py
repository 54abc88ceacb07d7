"""The keeper's daily job: what `clicklake reconcile` does, for the days that nobody has to ask about again.

    {"job": "reconcile"}                                    start one invocation for each day that is due
    {"job": "reconcile", "day": "2026-11-26"}               reconcile that day
    {"job": "reconcile", "day": …, "hour": "2026-11-26T05:00:00Z"}    only that hour, as a part of the day

A day is final once its last hour ended 25 hours ago: Firehose delivers within 25 hours, or never. Final days
are reconciled once. Yesterday is reconciled too, for the morning's mail. What has not landed yet is in
flight.

A day with too many bytes for fifteen minutes is handed on hour by hour: the function calls itself for each,
and adds up their parts. If its time is over before, it starts itself again, which goes on with the other
hours.
"""

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from clicklake.keeper.findings import findings_of, message_of, missing_in
from clicklake.keeper.invocation import (
    MIN_HOUR_SECONDS,
    Event,
    Invocation,
    KeeperError,
    SelfCallError,
    SelfCallTimeoutError,
    format_hour,
    parse_day,
    parse_hour,
)
from clicklake.keeper.metrics import to_emf
from clicklake.keeper.results import (
    Document,
    claimed,
    day_folder,
    put_json,
    put_result,
    read_result,
    result_key,
)
from clicklake.keeper.topic import publish
from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import DELIVERY_WINDOW, HOUR, Span, hours_between
from clicklake.reconcile.command import to_json
from clicklake.reconcile.hour_window import reconcile_span

JOB = "reconcile"
DAY = timedelta(days=1)
LOOKS_BACK = 7  # days: a keeper that was broken for so long makes up for it
MAX_DAY_BYTES = 2_000_000_000  # of raw/ and clicks/, about three minutes; more is handed on hour by hour
# Lambda ends a function that called itself 16 times in a row:
# docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
MAX_ROUNDS = 14
MAX_NAMED = 20_000  # missing clicks of a part; `clicklake reconcile` names all
MAX_LISTED = 100  # unreadable objects and faults of columns/ in a result


def run_reconcile(invocation: Invocation, event: Event) -> dict[str, Any]:
    """Return the days that were started, or the day's result. Raises KeeperError."""
    if "day" not in event:
        days = due_days(invocation.lake, invocation.now)
        for day in days:
            invocation.start_itself({"job": JOB, "day": str(day)})
        return {"days": [str(day) for day in days]}
    day = parse_day(event["day"], invocation.now.date())
    if "hour" in event:
        return _reconcile_hour(invocation, day, parse_hour(event["hour"]))
    number = _round_of(event)
    with claimed(invocation.lake, JOB, day, invocation.context.aws_request_id) as is_ours:
        if not is_ours:
            return {"day": str(day), "running": True}
        document = _reconcile_day(invocation, day, number)
        if document:
            return _finish(invocation, day, document)
    invocation.start_itself({"job": JOB, "day": str(day), "round": number + 1})
    return {"day": str(day), "handedOn": True}


def final_day(now: datetime) -> date:
    """Return the last day of which nothing can land any more."""
    return (now - DELIVERY_WINDOW).date() - DAY


def due_days(lake: Lake, now: datetime) -> list[date]:
    """Return the final days of the last week that have no result yet, then yesterday, which is not final.

    Earlier days count only if they have clicks: a new lake has no days to make up for.
    """
    newest, yesterday = final_day(now), now.date() - DAY
    with_clicks = lake.days("raw/") | lake.days("clicks/")
    days = [newest - number * DAY for number in range(LOOKS_BACK - 1, -1, -1)]
    due = [day for day in days if (day in with_clicks or day == newest) and not _is_reconciled(lake, day)]
    return [*due, *([yesterday] if yesterday > newest else [])]


def _is_reconciled(lake: Lake, day: date) -> bool:
    stored = read_result(lake, result_key(JOB, day))
    return bool(stored and stored.document.get("final"))


def _round_of(event: Event) -> int:
    """Return the number of the invocation that this day takes. Raises KeeperError."""
    number = event.get("round", 1)
    if type(number) is not int or number < 1:
        raise KeeperError(f"round is {number!r}; it must be a number from 1")
    if number > MAX_ROUNDS:
        raise KeeperError(f"{event['day']} is too large: it is not done after {MAX_ROUNDS} times 15 minutes")
    return number


def _span_of(day: date) -> Span:
    since = datetime.combine(day, time(), UTC)
    return Span(since, since + DAY)


def _reconcile_day(invocation: Invocation, day: date, round_number: int) -> Document | None:
    """Return the day's account; None if hours are left that another invocation must do."""
    lake, span = invocation.lake, _span_of(day)
    if round_number == 1:
        if bytes_of_day(lake, day) <= MAX_DAY_BYTES:
            return _account_of(invocation, span)
        _delete_parts(lake, day)
    for hour in hours_between(span.since, span.until):
        if read_result(lake, _part_key(day, hour)):
            continue
        seconds = invocation.seconds_left()
        if seconds < MIN_HOUR_SECONDS:
            return None
        try:
            invocation.call_itself({"job": JOB, "day": str(day), "hour": format_hour(hour)}, seconds)
        except SelfCallTimeoutError:
            return None
        except SelfCallError as error:
            raise KeeperError(f"{hour:%Y-%m-%dT%H}: {error}") from error
    return _sum_of_parts(lake, day, span)


def bytes_of_day(lake: Lake, day: date) -> int:
    return sum(found.size for folder in ("raw", "clicks") for found in lake.objects(f"{folder}/dt={day}/"))


def _account_of(invocation: Invocation, span: Span) -> Document:
    """Reconcile the span, and return it as `clicklake reconcile --json` prints it, with bounded lists."""
    in_flight_since = invocation.now - DELIVERY_WINDOW
    result = reconcile_span(invocation.lake, span, in_flight_since, lambda: None)
    document = to_json(invocation.lake, span, result, {})
    del document["bucket"], document["cloudWatch"]
    document["missingClicks"] = document["missingClicks"][:MAX_NAMED]
    return document


def _reconcile_hour(invocation: Invocation, day: date, hour: datetime) -> dict[str, Any]:
    if hour.date() != day:
        raise KeeperError(f"hour is {format_hour(hour)!r}; it must be an hour of {day}")
    key = _part_key(day, hour)
    document = _account_of(invocation, Span(hour, hour + HOUR))
    put_json(invocation.lake, key, document, read_result(invocation.lake, key))
    return {"part": key}


def _part_key(day: date, hour: datetime) -> str:
    return f"{day_folder(day)}parts/hr={hour:%H}.json"


def _delete_parts(lake: Lake, day: date) -> None:
    lake.delete([found.key for found in lake.objects(f"{day_folder(day)}parts/")])


def _sum_of_parts(lake: Lake, day: date, span: Span) -> Document:
    parts = (read_result(lake, _part_key(day, hour)) for hour in hours_between(span.since, span.until))
    total: Document = {}
    for part in parts:
        if part is None:
            raise KeeperError(f"a part of {day} was deleted meanwhile; send the event again")
        total = add_up(total, part.document)
    return total | {"from": span.since.isoformat(), "to": span.until.isoformat()}


def add_up(total: Any, part: Any) -> Any:
    """Add two accounts: numbers are added, lists joined, objects added name by name. A text is the part's."""
    if isinstance(part, dict):
        return total | {
            name: add_up(total[name], part[name]) if name in total else part[name] for name in part
        }
    return total + part if isinstance(part, (int, list)) else part


def _finish(invocation: Invocation, day: date, account: Document) -> dict[str, Any]:
    """Store the result with the missing clicks beside it, send a message if clicks are missing, and count."""
    lake, missing = invocation.lake, account.pop("missingClicks")
    unreadable = [*dict.fromkeys(account["unreadable"])]  # an hour's neighbours are read with it
    columns, is_final = account["columns"], day <= final_day(invocation.now)
    counts = {
        "Reconciled": int(is_final),
        "Accepted": account["accepted"] if is_final else 0,  # so that a day counts once
        "Missing": missing_in(account),
        "Unreadable": len(unreadable),
        "ColumnsFaults": len(columns["faults"]),
    }
    stored = read_result(lake, result_key(JOB, day))
    before = stored.document if stored else {}
    document = {
        **account,
        "job": JOB,
        "day": str(day),
        "final": is_final,
        "unreadable": unreadable[:MAX_LISTED],
        "columns": columns | {"faults": columns["faults"][:MAX_LISTED]},
        "missingObject": _put_missing(lake, day, missing) if missing else None,
    }
    if findings_of(document) and findings_of(document) != findings_of(before):
        publish(invocation, *message_of(invocation, document, missing))
    put_result(lake, JOB, day, document)
    _delete_parts(lake, day)
    print(to_emf(invocation.context.function_name, JOB, counts, datetime.now(UTC)), flush=True)
    return document


def _put_missing(lake: Lake, day: date, missing: list[Document]) -> str:
    """Write a line per missing click, and return the object's key."""
    key = f"{day_folder(day)}missing.jsonl"
    body = "".join(json.dumps(click) + "\n" for click in missing).encode()
    lake.s3.put_object(Bucket=lake.bucket, Key=key, Body=body, ContentType="application/jsonl")
    return key
