"""All attacks: what a stranger with a script can send to a public endpoint."""

import json
import random
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any
from uuid import UUID

from tests.attacks.matrix import Attack, Request

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"
LARGEST_BODY = 250_000  # bytes; the API takes 256 KiB


def body_of(clicks: list[dict[str, Any]]) -> bytes:
    return json.dumps(clicks, separators=(",", ":")).encode()


def click_of(chance: random.Random, **fields: Any) -> dict[str, Any]:
    event_id = UUID(int=chance.getrandbits(128), version=4)
    return {"eventId": str(event_id), "userId": "guest", "mysfitId": "none", **fields}


def sending(
    clicks: int, make: Callable[[random.Random, int], dict[str, Any]]
) -> Callable[[], Iterator[Request]]:
    """Endless requests of so many clicks, each made by `make` from chance and its number."""

    def requests() -> Iterator[Request]:
        chance = random.Random()
        for number in count():
            listed = [make(chance, number * clicks + at) for at in range(clicks)]
            yield Request(body_of(listed), {"Content-Type": "application/json", "User-Agent": BROWSER})

    return requests


def made_up_item(chance: random.Random, number: int) -> dict[str, Any]:
    return click_of(chance, mysfitId=str(UUID(int=chance.getrandbits(128))))


def hostile_agents() -> Iterator[Request]:
    chance = random.Random()
    pieces = [
        "CFNetwork/1 Darwin/20",
        "[FBAN/x;FBAV/1]",
        "Podcast",
        "é" * 40,
        "(compatible; ",
        "Android 9; SM-",
        ";" * 50,
    ]
    while True:
        agent = "".join(chance.choices(pieces, k=40))[:1000].encode("latin-1", "replace").decode("latin-1")
        headers = {"Content-Type": "application/json", "User-Agent": agent}
        yield Request(body_of([click_of(chance) for _ in range(50)]), headers)


def hostile_url(chance: random.Random, number: int) -> dict[str, Any]:
    host = ".".join(chance.choices("abcdefghij", k=120))
    query = "&".join(
        f"utm_{chance.choice(['source', 'medium', 'x'])}=%{chance.choice('0gz')}" for _ in range(60)
    )
    return click_of(chance, url=f"https://{host}/p?{query}"[:2000], referrer=f"https://{host}.com/?q=%%%")


def deep_values() -> Iterator[Request]:
    deep = b'{"userId":"guest","mysfitId":"m","properties":' + b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b"}"
    while True:
        yield Request(deep)


def huge_values() -> Iterator[Request]:
    chance = random.Random()
    while True:
        properties = {f"p{number}": "x" * 250 for number in range(30)}
        clicks = [click_of(chance, properties=properties, title="é" * 250) for _ in range(28)]
        yield Request(body_of(clicks)[:LARGEST_BODY] if chance.random() < 0.3 else body_of(clicks))


def no_json() -> Iterator[Request]:
    bodies = [
        b"[" * LARGEST_BODY,
        b'"' * LARGEST_BODY,
        b"1e999",
        b"\xff" * LARGEST_BODY,
        b"{" * 50_000,
        b"[1.5e300" * 20_000,
    ]
    for number in count():
        yield Request(bodies[number % len(bodies)])


small_requests = sending(1, lambda chance, number: click_of(chance))
made_up_items = sending(500, made_up_item)
ABOVE = {"throttleEvery": 2}

ATTACKS = [
    Attack("none", lambda: iter(()), is_quick=True),
    Attack("500 made-up item ids per request", made_up_items, is_quick=True),
    Attack("500 made-up item ids per request, and a slow catalogue", made_up_items, is_catalogue_slow=True),
    Attack("one made-up item id per request", sending(1, made_up_item)),
    Attack("hostile user agents", hostile_agents),
    Attack("hostile hosts, queries and referrers", sending(100, hostile_url)),
    Attack("values 20,000 levels deep", deep_values),
    Attack("values of the largest size", huge_values),
    Attack("250 KB that are no JSON", no_json),
    Attack("a flood of single clicks, up to the throttle", small_requests),
    Attack(
        "a flood of single clicks, up to the throttle, and a slow catalogue",
        small_requests,
        is_catalogue_slow=True,
    ),
    Attack(
        "a flood of single clicks, above the throttle",
        small_requests,
        faults=ABOVE,
        is_above_the_throttle=True,
        is_quick=True,
    ),
    Attack(
        "500 made-up item ids per request, above the throttle, and a slow catalogue",
        made_up_items,
        faults=ABOVE,
        is_catalogue_slow=True,
        is_above_the_throttle=True,
    ),
]
