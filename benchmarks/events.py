"""The requests that every design is asked: clicks as the tracker sends them, as API Gateway hands them on."""

import json
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REST_EVENT = json.loads((ROOT / "tests/data/api-gateway/rest.json").read_text())
ORIGIN = "https://mysfits.example"


def make_body(clicks: int) -> str:
    """What the tracker sends for so many clicks: at 500 just under the limit of 256 KiB."""
    sent = {"sentAt": "2026-11-24T02:38:01.900Z", "clicks": [make_click(number) for number in range(clicks)]}
    return json.dumps(sent, separators=(",", ":"))


def make_click(number: int) -> dict[str, Any]:
    return {
        "eventId": str(uuid.UUID(int=number, version=4)),
        "occurredAt": "2026-11-24T02:38:01.500Z",
        "userId": "u-4711",
        "mysfitId": "4e53920c-505a-4a90-a694-b9300791f0ae",
        "sessionId": "9f86d081884c7d65",
        "url": f"https://mysfits.example/p/{number}?utm_source=news&utm_campaign=autumn",
        "referrer": "https://www.google.com/",
        "title": "Mythical Mysfits",
        "element": {"tag": "button", "id": f"mysfit-{number % 12}", "text": "Evangeline"},
    }


def make_event(body: str) -> dict[str, Any]:
    """API Gateway's REST event, payload 1.0: what every design understands."""
    event: dict[str, Any] = json.loads(json.dumps(REST_EVENT))
    for name, value in (("Content-Type", "application/json"), ("Origin", ORIGIN)):
        event["headers"][name] = value
        event["multiValueHeaders"][name] = [value]
    event["resource"] = event["requestContext"]["resourcePath"] = "/clicks"
    event["pathParameters"] = None
    return event | {"body": body, "isBase64Encoded": False}
