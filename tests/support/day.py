"""A day's lines in a lake: the demo's visits as the processor writes them, with duplicates and failures."""

import base64
import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from clicklake.demo.traffic import MYSFITS, Request, day_of_traffic
from clicklake.lake.partitions import HOUR, Span
from processor.handler import lambda_handler
from tests.support.lakes import TestLake, compact, document, envelope, to_text

END = datetime(2026, 11, 20, tzinfo=UTC)
SPAN = Span(END - 24 * HOUR, END)
CATALOGUE = {item["mysfitId"]: item for item in json.loads(MYSFITS.read_text())}
CONTEXT = SimpleNamespace(function_name="f", get_remaining_time_in_millis=lambda: 60_000)
FAILURES = [("Lambda.FunctionError", 3), ("Lambda.JsonProcessingException", 1)]

Line = dict[str, Any]


@dataclass(frozen=True)
class Day:
    lake: TestLake
    lines: list[Line]


def lay_day(lake: TestLake, sessions: int) -> Day:
    """Put the lines where their arrival says, and some error documents; other days before and after."""
    requests = day_of_traffic(END, sessions, seed=1)
    lines = [line for number, each in enumerate(requests) for line in _lines(each, number)]
    views = [line for line in lines if line["type"] == "pageview"]
    lines += [_control(line, number) for number, line in enumerate(views[::9])]
    by_hour = defaultdict(list)
    for line in lines:
        by_hour[line["receivedAt"][:13]].append(compact(_as_stored(line)) + b"\n")
    for hour, written in by_hour.items():
        lake.put("clicks", written, datetime.fromisoformat(f"{hour}:00:00+00:00"))
    for other in (SPAN.since - HOUR, END):
        lake.put("clicks", [compact(lines[0] | {"eventId": "of another day"}) + b"\n"], other)
    for code, count in FAILURES:
        lake.put("failed", [document(b"{}", code, SPAN.since)] * count, SPAN.since)
    return Day(lake, lines)


def _as_stored(line: Line) -> Line:
    """In the morning 0.1.0 wrote the lines: with `enrichment` instead of `itemLookup`."""
    if line["receivedAt"] >= (SPAN.since + 12 * HOUR).isoformat():
        return line
    lookup = line["itemLookup"]
    old = {name: value for name, value in line.items() if name != "itemLookup"}
    return old | {"enrichment": {"found": "ok", "not_found": "unknown item"}.get(lookup, lookup)}


def _lines(request: Request, number: int) -> list[Line]:
    """Of one request; each tenth one's landed twice, the second time with more from the catalogue."""
    headers = request.visitor.headers
    has_opted_out = "Sec-GPC" in headers
    sender = {
        "userAgent": headers["User-Agent"],
        "country": headers["CloudFront-Viewer-Country"],
        "visitorId": None
        if has_opted_out
        else str(uuid5(NAMESPACE_URL, f"{headers['CloudFront-Viewer-Address']} {headers['User-Agent']}")),
        "privacy": "gpc" if has_opted_out else None,
        "sentAt": to_text(request.at + request.visitor.clock_error),
    }
    clicks = [_as_ingested(each) for each in request.clicks]
    received_at = min(request.at + timedelta(seconds=number % 90), END - timedelta(milliseconds=1))
    record = envelope(clicks, received_at, **sender)
    event = {"records": [{"recordId": "1", "data": base64.b64encode(record).decode()}]}
    (answer,) = lambda_handler(event, CONTEXT)["records"]
    once = [json.loads(line) for line in base64.b64decode(answer["data"]).splitlines()]
    processed_at = received_at + timedelta(seconds=number % 140)
    first = [_enriched(line, processed_at, number % 20 == 0) for line in once]
    again = [_enriched(line, processed_at + timedelta(seconds=7), False) for line in once]
    return first + (again if number % 10 == 0 else [])


def _control(view: Line, number: int) -> Line:
    """Return a click on a control of the viewed page, as data-autocapture records it."""
    element = [{"tag": "a", "name": "Imprint"}, {"tag": "button", "selector": "main > button"}, {"tag": "a"}]
    event_id = str(uuid5(NAMESPACE_URL, f"{view['eventId']} {number}"))
    return view | {"eventId": event_id, "type": "element_click", "element": element[number % 3]}


def _as_ingested(click: dict[str, Any]) -> dict[str, Any]:
    """Times in UTC, properties as text."""
    happened = datetime.fromisoformat(click["occurredAt"]).astimezone(UTC)
    properties = {name: str(value) for name, value in click.get("properties", {}).items()}
    given = {"userId": "guest", "occurredAt": to_text(happened)} | (
        {"properties": properties} if properties else {}
    )
    return click | given


def _enriched(line: Line, processed_at: datetime, is_catalogue_down: bool) -> Line:
    lag = processed_at - datetime.fromisoformat(line["receivedAt"])
    line = line | {"processedAt": to_text(processed_at), "lagMs": round(lag.total_seconds() * 1000)}
    if "mysfitId" not in line:
        return line
    if is_catalogue_down:
        return line | {"itemLookup": "unavailable"}
    item = CATALOGUE[line["mysfitId"]]
    return line | {"itemLookup": "found"} | {name: item[name] for name in ("goodevil", "lawchaos", "species")}
