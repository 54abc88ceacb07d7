"""A page that behaves: it keeps its clicks, with their ids, until it is told what became of them."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import requests

THREADS = 4
REQUEST_SECONDS = 15
PAUSE_SECONDS = 0.3

Clicks = list[dict[str, Any]]


@dataclass
class Told:
    """What the API said, by eventId."""

    accepted: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)  # with a reason, for good
    asked_again: set[str] = field(default_factory=set)  # those that heard "later", or nothing


def send(api: str, batches: Sequence[Clicks], told: Told, attempts: int) -> list[Clicks]:
    """Send each batch until it is answered; those that were not, after so many attempts."""

    def send_one(batch: Clicks) -> bool:
        for attempt in range(attempts):
            if attempt:
                time.sleep(PAUSE_SECONDS)
            if _send(api, batch, told):
                return True
        return False

    with ThreadPoolExecutor(THREADS) as threads:
        answered = list(threads.map(send_one, batches))
    return [batch for batch, was_answered in zip(batches, answered, strict=True) if not was_answered]


def _send(api: str, batch: Clicks, told: Told) -> bool:
    ids = {click["eventId"] for click in batch}
    try:
        answer = requests.post(f"{api}/clicks", json=batch, timeout=REQUEST_SECONDS)
    except requests.RequestException:
        told.asked_again |= ids
        return False
    if answer.status_code == 202:
        taken = {each["eventId"] for each in answer.json()["receipts"] if each["result"] != "rejected"}
        told.accepted |= taken
        told.refused |= ids - taken
        return True
    if 400 <= answer.status_code < 500:
        assert answer.json()["title"]  # a reason
        told.refused |= ids
        return True
    assert "Retry-After" in answer.headers
    told.asked_again |= ids
    return False
