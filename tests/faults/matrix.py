"""One fault: clicks are sent while it is on, sent again when it is over, and counted by eventId."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from clicklake.lake.records import envelopes_in
from tests.faults.client import Clicks, Told, send
from tests.faults.cloud import Cloud, record_of
from tests.support.lakes import click

REQUESTS, CLICKS_IN_A_REQUEST = 12, 5
ATTEMPTS_DURING, ATTEMPTS_AFTER = 2, 100


class Row(NamedTuple):
    fault: str
    sent: int
    accepted: int
    refused: int
    asked_again: int
    delivered: int
    failed: int
    replayed: int
    duplicates: int
    lost: int


def some_batches(requests: int = REQUESTS, **fields: Any) -> list[Clicks]:
    return [[click(**fields) for _ in range(CLICKS_IN_A_REQUEST)] for _ in range(requests)]


def send_during(cloud: Cloud, batches: list[Clicks], told: Told) -> list[Clicks]:
    return send(cloud.api, batches, told, ATTEMPTS_DURING)


def nothing(cloud: Cloud) -> None:
    pass


def replay(cloud: Cloud) -> None:
    cloud.ops("replay")


@dataclass(frozen=True)
class Fault:
    name: str
    on: Callable[[Cloud], AbstractContextManager[None]] = lambda _: nullcontext()
    batches: Callable[[], list[Clicks]] = some_batches
    send: Callable[[Cloud, list[Clicks], Told], list[Clicks]] = send_during
    meanwhile: Callable[[Cloud], None] = nothing  # when all is sent, and the fault still on
    mend: Callable[[Cloud], None] = replay
    page_closes: bool = False  # before the fault is over: nobody sends again what was not accepted
    is_quick: bool = False  # enough for each run of the tests


def run(fault: Fault, cloud: Cloud) -> Row:
    batches, told = fault.batches(), Told()
    ids = {each["eventId"] for batch in batches for each in batch}
    with fault.on(cloud):
        unanswered = fault.send(cloud, batches, told)
        fault.meanwhile(cloud)
        cloud.settle()
    if not fault.page_closes:
        assert not send(cloud.api, unanswered, told, ATTEMPTS_AFTER)
        cloud.settle()
    failed = ids & ids_of_documents(cloud, "failed/", "replayed/", "parked/")
    fault.mend(cloud)
    cloud.settle()
    cloud.ops("reconcile", "--no-wait")
    return count(fault.name, cloud, ids, told, failed)


def count(name: str, cloud: Cloud, ids: set[str], told: Told, failed: set[str]) -> Row:
    lines = [msgspec.json.decode(line) for line in cloud.lake.lines("clicks/")]
    landed = Counter(line["eventId"] for line in lines if line.get("eventId") in ids)
    kept = landed.keys() | ids_of_documents(cloud, "failed/", "parked/")
    return Row(
        fault=name,
        sent=len(ids),
        accepted=len(told.accepted),
        refused=len((told.refused | told.asked_again) - told.accepted),
        asked_again=len(told.asked_again),
        delivered=len(landed),
        failed=len(failed),
        replayed=len(ids & ids_of_documents(cloud, "replayed/")),
        duplicates=landed.total() - len(landed),
        lost=len(told.accepted - kept),
    )


def ids_of_documents(cloud: Cloud, *prefixes: str) -> set[str]:
    records = [record_of(line) for prefix in prefixes for line in cloud.lake.lines(prefix)]
    return {click.event_id for record in records for each in envelopes_in(record) for click in each.clicks}


COLUMNS = (
    "clicks sent",
    "accepted",
    "refused",
    "retried",
    "delivered",
    "failed",
    "replayed",
    "duplicates",
    "lost",
)

INTRODUCTION = """# What happens to clicks when things break

This page lists every fault that we injected and what happened to the clicks. Each row is one fault, injected
into the whole cloud as it runs on a laptop. A client plays the part of the page: it keeps its clicks, with
their ids, until the server has answered for them. Clicks are counted by `eventId` and compared with the
responses that the client received. `make faults` runs all faults and writes this page.

| column | what it counts |
| --- | --- |
| clicks sent | distinct clicks of the page |
| accepted | the API answered 202 and listed them in a receipt |
| refused | the API refused them with a reason, or the page was closed while the API answered "try later" |
| retried | got 503 with `Retry-After`, or no response, and were sent again with the same ids |
| delivered | are in `clicks/` in the end |
| failed | were in `failed/` for a while, with a reason |
| replayed | were put back by `replay` or the keeper; if nothing had failed, after `reconcile --recover` |
| duplicates | lines beyond the first of an id; every query counts an id once |
| lost | were accepted, and are neither in `clicks/` nor under `failed/` or `parked/` |

"""


def to_markdown(rows: list[Row]) -> str:
    lines = ["| fault | " + " | ".join(COLUMNS) + " |", "| --- |" + " ---: |" * len(COLUMNS)]
    lines += [f"| {name} | " + " | ".join(map(str, numbers)) + " |" for name, *numbers in rows]
    return INTRODUCTION + "\n".join(lines) + "\n"
