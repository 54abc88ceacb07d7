"""Builds envelopes and the records that hold them, and reads the lines that the processor made of them."""

import json
from typing import Any

import pybase64


def make_event(*data: bytes) -> dict[str, Any]:
    return {
        "invocationId": "f7b2a2bb-19fb-4e4c-a3a8-2a3d6f3f6a01",
        "deliveryStreamArn": "arn:aws:firehose:us-east-1:123456789012:deliverystream/clicklake-test",
        "region": "us-east-1",
        "records": [
            {
                "recordId": f"{number:056d}000000",
                "approximateArrivalTimestamp": 1_795_489_985_680,
                "data": pybase64.b64encode_as_string(record),
            }
            for number, record in enumerate(data)
        ],
    }


def make_envelope(*clicks: dict[str, Any], **head: Any) -> bytes:
    envelope = {
        "v": 1,
        "requestId": "5f0c1d7e-6f3a-4c0f-9d6e-2f1f5b6f2a11",
        "receivedAt": "2026-11-24T02:38:02.123Z",
        "sentAt": "2026-11-24T02:38:01.900Z",
        "address": "203.0.113.0",
        "country": "DE",
        "visitorId": "9e1c6f5e6b0f4f0a8f4b2f7d0f2c9b61a0b3c4d5e6f708192a3b4c5d6e7f8091",
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "privacy": None,
        "replays": 0,
        "clicks": list(clicks),
    }
    return json.dumps(envelope | head).encode() + b"\n"


def make_click(item: str | None = "evangeline", **fields: Any) -> dict[str, Any]:
    click = {"type": "click", "userId": "u-17", "eventId": "0e2f7b8a-1f1d-4d3c-9a52-6b7f0a4c1d01"}
    return click | ({"mysfitId": item} if item is not None else {}) | fields


def lines_of(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Decode the lines of an Ok record. Each of them must end with a newline."""
    text = pybase64.b64decode(record["data"], validate=True)
    assert text.endswith(b"\n")
    return [json.loads(line) for line in text.splitlines()]
