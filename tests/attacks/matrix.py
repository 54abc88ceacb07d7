"""One attack: a stranger sends what they can while an honest visitor clicks; count the visitor's clicks."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from typing import Any, NamedTuple

import msgspec
import requests

from tests.faults.client import Clicks, Told, send
from tests.faults.cloud import Cloud
from tests.faults.matrix import ids_of_documents
from tests.support.lakes import click

HONEST_REQUESTS, CLICKS_IN_A_REQUEST = 8, 5
ATTACKERS = 1  # without a pause: it keeps one of two cores busy
ITEMS = [f"item-{number}" for number in range(20)]
SLOW_SECONDS = 0.5  # of a slow catalogue, for each item
SETTLE_POLL_SECONDS = 0.05

# A stream on AWS whose buffers are set to 0 seconds delivers within 5 seconds. The default of lake.yaml is 60
# for each buffer.
# docs.aws.amazon.com/firehose/latest/dev/buffering-hints.html
SHORTEST_BUFFER_SECONDS = 5.0


class ShopCatalogue:
    """A catalogue of twenty items, which can become slow. It says 404 for every other id."""

    def __init__(self) -> None:
        self.delay_seconds = 0.0
        catalogue = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                time.sleep(catalogue.delay_seconds)
                known = self.path.rsplit("/", 1)[1] in ITEMS
                body = json.dumps({"species": "Dragon", "goodevil": "Good", "lawchaos": "Lawful"}).encode()
                self.send_response(200 if known else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """Say nothing of a processor that did not wait for the answer."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/items/{{id}}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Request(NamedTuple):
    body: bytes
    headers: Mapping[str, str] = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Attack:
    name: str
    requests: Callable[[], Iterator[Request]]
    """Endless: what one attacker sends, one after the other."""
    faults: Mapping[str, Any] = field(default_factory=dict)
    """What the stream does meanwhile, as for POST /faults."""
    is_catalogue_slow: bool = False
    is_above_the_throttle: bool = False
    is_quick: bool = False


class AttackRow(NamedTuple):
    attack: str
    hostile_requests: int
    sent: int
    accepted: int
    complete: int
    """Landed with what the catalogue says of their item."""
    seconds: float
    """From the first honest click until all have landed."""
    times: float
    """The same as a multiple of what it takes without an attack."""
    lost: int


def honest_batches() -> list[Clicks]:
    items = cycle(ITEMS)
    return [[click(mysfitId=next(items)) for _ in range(CLICKS_IN_A_REQUEST)] for _ in range(HONEST_REQUESTS)]


class AttackedCloud:
    """The cloud with a shop's catalogue, whose items it has asked for before."""

    def __init__(self, cloud: Cloud, catalogue: ShopCatalogue) -> None:
        self.cloud, self.catalogue = cloud, catalogue
        self._visit(honest_batches(), Told())  # its items are known from now on
        self.usual_seconds = min(self._visit(honest_batches(), Told()) for _ in range(3))

    def run(self, attack: Attack) -> AttackRow:
        batches, told = honest_batches(), Told()
        with self._attacked(attack) as sent:
            if attack.is_above_the_throttle:
                send(self.cloud.api, batches, told, attempts=2)
            else:
                seconds = self._visit(batches, told)
        if attack.is_above_the_throttle:
            seconds = self._visit(
                batches, told
            )  # what was not accepted, and the rest again, with the same ids
        self.cloud.settle()
        ids = {each["eventId"] for batch in batches for each in batch}
        lines = [msgspec.json.decode(line) for line in self.cloud.lake.lines("clicks/")]
        landed = {line["eventId"]: line for line in lines if line.get("eventId") in ids}
        kept = landed.keys() | ids_of_documents(self.cloud, "failed/", "parked/")
        return AttackRow(
            attack=attack.name,
            hostile_requests=len(sent),
            sent=len(ids),
            accepted=len(told.accepted),
            complete=sum(line["itemLookup"] == "found" for line in landed.values()),
            seconds=round(seconds, 1),
            times=round(seconds / self.usual_seconds, 1),
            lost=len(told.accepted - kept),
        )

    def _visit(self, batches: list[Clicks], told: Told) -> float:
        """Send an honest visitor's clicks; return the seconds until all of them have landed."""
        ids = {each["eventId"].encode() for batch in batches for each in batch}
        started = time.monotonic()
        assert not send(self.cloud.api, batches, told, attempts=100)
        seen: set[str] = set()
        while ids:
            for key in set(self.cloud.lake.keys("clicks/")) - seen:
                body = self.cloud.lake.body(key)
                ids = {event_id for event_id in ids if event_id not in body}
                seen.add(key)
            time.sleep(SETTLE_POLL_SECONDS)
        return time.monotonic() - started

    @contextmanager
    def _attacked(self, attack: Attack) -> Iterator[list[int]]:
        """While attackers send. Yields the status codes that they get."""
        sent: list[int] = []
        over = threading.Event()

        def attacking() -> None:
            session = requests.Session()
            for hostile in attack.requests():
                if over.is_set():
                    return
                try:
                    url = f"{self.cloud.api}/clicks"
                    answer = session.post(url, data=hostile.body, headers=hostile.headers, timeout=15)
                    sent.append(answer.status_code)
                except requests.RequestException:
                    sent.append(0)

        self.cloud.plan(**attack.faults)
        self.catalogue.delay_seconds = SLOW_SECONDS if attack.is_catalogue_slow else 0
        attackers = [threading.Thread(target=attacking) for _ in range(ATTACKERS)]
        for attacker in attackers:
            attacker.start()
        try:
            while len(sent) < ATTACKERS and any(attacker.is_alive() for attacker in attackers):
                time.sleep(SETTLE_POLL_SECONDS)
            yield sent
        finally:
            over.set()
            for attacker in attackers:
                attacker.join()
            self.cloud.plan()
            self.catalogue.delay_seconds = 0


INTRODUCTION = """# What happens to honest clicks during an attack

This page lists attacks, and what happened to an honest visitor's clicks meanwhile. Each row is one
attack on the whole cloud as it runs on a laptop: an attacker sends without a pause, and a visitor clicks
on items that the catalogue has answered before. `make attacks` runs all attacks and writes this page.

A laptop has no API Gateway, so it has no throttle. In the rows "up to the throttle" the attacker sends
as fast as the machine answers. In the rows "above the throttle" the stream refuses every other put, so
the API answers 503 and the page sends again. On AWS the gateway answers 429; trackers treat both alike.
The times are those of one machine that runs the attacker, the visitor, the API, the stream, the
processor and S3 on the same two cores. On AWS the API runs in as many instances as it needs, and an
attack takes no CPU from the visitor's request. The stream's buffers are set to five seconds in all: on
AWS the shortest buffers deliver within five seconds, and the template's default is two minutes.

| column | what it counts |
| --- | --- |
| hostile requests | what the attacker got an answer to while the visitor clicked |
| clicks sent | the honest visitor's clicks |
| accepted | the API answered 202 and listed them in a receipt |
| complete | landed with their item's attributes |
| seconds | until all landed; above the throttle, from the attack's end |
| times | the same as a multiple of the usual time |
| lost | were accepted, and are neither in `clicks/` nor under `failed/` or `parked/` |

"""
COLUMNS = ("hostile requests", "clicks sent", "accepted", "complete", "seconds", "times", "lost")


def to_markdown(rows: list[AttackRow]) -> str:
    lines = ["| attack | " + " | ".join(COLUMNS) + " |", "| --- |" + " ---: |" * len(COLUMNS)]
    lines += [f"| {name} | " + " | ".join(map(str, numbers)) + " |" for name, *numbers in rows]
    return INTRODUCTION + "\n".join(lines) + "\n"
