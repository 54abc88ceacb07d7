"""What the API answers: receipts for what it accepts, problem documents for what it refuses."""

import re
from typing import Any

from clicklake.verify.public_api import EVENT_TYPE, PublicApi, describe
from clicklake.verify.rows import Recorder, require
from clicklake.verify.stage import StageUnderTest

PROBLEM = "application/problem+json"
MAX_BODY_BYTES, MAX_CLICKS = 256 * 1024, 500
PIXEL_BYTES = 43
JSON = {"Content-Type": "application/json"}

# What is sent, and the status of the refusal: docs/events.md.
REFUSALS: dict[str, tuple[int, str, str, dict[str, Any]]] = {
    "a body that is not JSON": (400, "PUT", "/clicks", {"data": b"{half", "headers": JSON}),
    "an event without a valid field": (400, "PUT", "/clicks", {"json": {"type": "Not A Type"}}),
    "501 clicks": (413, "PUT", "/clicks", {"json": [{"type": EVENT_TYPE}] * (MAX_CLICKS + 1)}),
    "a body of 256 KiB and one byte": (
        413,
        "PUT",
        "/clicks",
        {"data": b" " * (MAX_BODY_BYTES + 1), "headers": JSON},
    ),
    "text/html": (415, "PUT", "/clicks", {"data": b"{}", "headers": {"Content-Type": "text/html"}}),
    "GET /clicks": (405, "GET", "/clicks", {}),
    "an unknown path": (404, "GET", "/nothing-is-here", {}),
}


def check_api(recorder: Recorder, stage: StageUnderTest, api: PublicApi) -> None:
    recorder.check("GET /health", "200 and a version", lambda: _health(api))
    recorder.check("one event", "202 and a receipt: accepted", lambda: _one(api))
    recorder.check(
        "three events, one with a wrong type", "2 accepted, 1 rejected for type", lambda: _rejected(api)
    )
    recorder.check("the same event twice", "1 accepted, 1 duplicate", lambda: _duplicate(api))
    recorder.check("GET /clicks.gif", f"200 and {PIXEL_BYTES} bytes", lambda: _pixel(stage, api))
    for name, (status, method, path, options) in REFUSALS.items():
        recorder.check(
            f"refused: {name}",
            f"{status} {PROBLEM}",
            lambda status=status, method=method, path=path, options=options: _refused(  # type: ignore[misc]
                api, status, method, path, options
            ),
        )


def _health(api: PublicApi) -> str:
    response = api.ask("GET", "/health")
    version = response.json().get("version") if response.status_code == 200 else None
    return require(bool(version), f"{describe(response)}, version {version}")


def _one(api: PublicApi) -> str:
    answer = api.put(api.event())
    (receipt,) = answer["receipts"]
    return require(receipt["result"] == "accepted", f"202, {receipt['result']}")


def _rejected(api: PublicApi) -> str:
    answer = api.put(api.event(), api.event(type="Not A Type"), api.event())
    results = [receipt["result"] for receipt in answer["receipts"]]
    fields = [receipt["field"] for receipt in answer["receipts"] if receipt["result"] == "rejected"]
    seen = f"{answer['accepted']} accepted, {answer['rejected']} rejected for {', '.join(map(str, fields))}"
    return require(results == ["accepted", "rejected", "accepted"] and fields == ["type"], seen)


def _duplicate(api: PublicApi) -> str:
    event = api.event()
    answer = api.put(event, event)
    seen = f"{answer['accepted']} accepted, {answer['duplicates']} duplicate"
    return require((answer["accepted"], answer["duplicates"]) == (1, 1), seen)


def _pixel(stage: StageUnderTest, api: PublicApi) -> str:
    event = api.event()
    query = {"type": EVENT_TYPE, "userId": stage.mark, "eventId": event["eventId"]}
    response = api.ask("GET", "/clicks.gif", params=query)
    is_well = response.status_code == 200 and len(response.content) == PIXEL_BYTES
    if is_well:
        api.accepted.add(event["eventId"])
    return require(is_well, f"{describe(response)}, {len(response.content)} bytes")


def _refused(api: PublicApi, status: int, method: str, path: str, options: dict[str, Any]) -> str:
    response = api.ask(method, path, **options)
    is_problem = re.match(re.escape(PROBLEM), response.headers.get("Content-Type", "")) is not None
    return require(response.status_code == status and is_problem, describe(response))
