"""Batches for the processor, as Firehose delivers them: envelopes as the ingest app writes them."""

import json
import random
import uuid
from base64 import b64decode
from typing import Any

import msgspec
import pybase64

MAX_RAW_BYTES = 2_000_000
CLICKS_PER_ENVELOPE = 10
ITEMS = [str(uuid.UUID(int=number)) for number in range(12)]

Event = dict[str, Any]


def make_event(
    urls: int | None = None,
    agents: int | None = None,
    clicks: int = CLICKS_PER_ENVELOPE,
    records: int | None = None,
    seed: int = 0,
) -> Event:
    """As many records as given, or as fit MAX_RAW_BYTES. None: each URL, each agent another one."""
    chance = random.Random(seed)  # noqa: S311
    batch: list[dict[str, Any]] = []
    left = MAX_RAW_BYTES
    while records is None or len(batch) < records:
        number = seed * 1_000_000 + len(batch) * clicks
        data = msgspec.json.encode(make_envelope(chance, number, urls, agents, clicks)) + b"\n"
        left -= len(data)
        if records is None and left < 0:
            break
        batch.append(
            {
                "recordId": f"{len(batch):056d}000000",
                "approximateArrivalTimestamp": 1_795_489_985_680,
                "data": pybase64.b64encode_as_string(data),
            }
        )
    return {"invocationId": "i", "deliveryStreamArn": "a", "region": "us-east-1", "records": batch}


def make_envelope(
    chance: random.Random, number: int, urls: int | None, agents: int | None, clicks: int
) -> Event:
    agent = number if agents is None else chance.randrange(agents)
    return {
        "v": 1,
        "requestId": str(uuid.UUID(int=chance.getrandbits(128))),
        "receivedAt": "2026-11-24T02:38:02.123Z",
        "sentAt": "2026-11-24T02:38:01.900Z",
        "address": "203.0.113.0",
        "country": "DE",
        "visitorId": f"{chance.getrandbits(256):064x}",
        "userAgent": make_agent(agent),
        "privacy": None,
        "replays": 0,
        "clicks": [
            make_click(chance, number + index if urls is None else chance.randrange(urls))
            for index in range(clicks)
        ],
    }


def make_agent(number: int) -> str:
    engine = "AppleWebKit/537.36 (KHTML, like Gecko)"
    version = f"{100 + number % 50}.0.{number}.{number % 7}"
    return (
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {engine} Chrome/{version} Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 14; SM-A{number}) {engine} Chrome/{version} Mobile Safari/537.36",
        f"Mozilla/5.0 (X11; Linux x86_64; rv:{number}.0) Gecko/20100101 Firefox/{number}.0",
        f"Mozilla/5.0 (compatible; Somebot/{number}.1; +https://bot.example/{number})",
    )[number % 4]


def make_click(chance: random.Random, page: int) -> Event:
    return {
        "type": "click",
        "userId": f"u-{chance.randrange(10_000)}",
        "mysfitId": chance.choice(ITEMS),
        "eventId": str(uuid.UUID(int=chance.getrandbits(128))),
        "occurredAt": "2026-11-24T02:38:01.500Z",
        "sessionId": f"{chance.getrandbits(64):016x}",
        "url": f"https://mysfits.example/p/{page}?utm_source=news&utm_medium=mail&utm_campaign=c{page % 9}",
        "referrer": ("https://www.google.com/", "https://mysfits.example/", "https://t.co/x")[page % 3],
        "title": "Mythical Mysfits",
        "element": {"tag": "button", "id": f"mysfit-{page % 12}", "text": "Evangeline"},
        "properties": {"position": str(page % 40), "featured": "true"},
    }


def clicks_in(event: Event) -> int:
    return sum(len(json.loads(b64decode(record["data"]))["clicks"]) for record in event["records"])
