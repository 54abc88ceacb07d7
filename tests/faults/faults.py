"""All the faults there are, in the order of the way of a click."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from typing import Any, ClassVar

import requests

from tests.faults.client import Clicks, Told
from tests.faults.cloud import Cloud
from tests.faults.keeper_faults import failing_keeper, replay_by_keeper, run_late, run_twice
from tests.faults.matrix import CLICKS_IN_A_REQUEST, REQUESTS, Fault, replay, some_batches
from tests.faults.processors import LIARS, SOURCES
from tests.support.emulator import free_port
from tests.support.killing import run_killed
from tests.support.lakes import click, envelope, new_id, to_text

# On the page's side.


def unheard(cloud: Cloud, batches: list[Clicks], told: Told) -> list[Clicks]:
    """The connection is cut before the answer: whether the clicks were taken, the page cannot know."""
    for batch in batches:
        try:
            requests.post(f"{cloud.api}/clicks", json=batch, timeout=(5, 0.001))
        except requests.RequestException:
            told.asked_again |= {each["eventId"] for each in batch}
    return batches


def half_broken() -> list[Clicks]:
    batches = some_batches()
    for batch in batches:
        for each in batch[::2]:
            del each["mysfitId"]
    return batches


def sent_by_two_tabs() -> list[Clicks]:
    batches = some_batches()
    return [*batches, *batches]


def from_other_years() -> list[Clicks]:
    now, year = datetime.now(UTC), timedelta(days=365)
    return [
        *some_batches(6, occurredAt=to_text(now - year)),
        *some_batches(6, occurredAt=to_text(now + year)),
    ]


# On the way to the stream.


def plan(**faults: Any) -> Callable[[Cloud], AbstractContextManager[None]]:
    @contextmanager
    def on(cloud: Cloud) -> Iterator[None]:
        cloud.plan(**faults)
        yield
        cloud.plan()

    return on


@contextmanager
def ingest_killed(cloud: Cloud) -> Iterator[None]:
    """While requests are under way."""

    def kill_and_start() -> None:
        cloud.kill("ingest_app")
        cloud.start()

    cloud.plan(delaySeconds=0.3)
    killing = threading.Timer(0.4, kill_and_start)
    killing.start()
    yield
    killing.join()


def behind_garbage(cloud: Cloud, batches: list[Clicks], told: Told) -> list[Clicks]:
    """A producer of another make writes no newlines, and its broken record and ours become one."""
    for batch in batches:
        cloud.put(b'{"broken": ' + envelope(batch, datetime.now(UTC)))
        told.accepted |= {each["eventId"] for each in batch}
    return []


# On the stream, and in the processor.


def emulator_killed(cloud: Cloud) -> None:
    cloud.kill("local.emulator")
    cloud.start()


def processor(name: str) -> Fault:
    mend = recover if name in LIARS else replay
    return Fault(
        f"the processor {name}",
        on=lambda cloud: cloud.processor(SOURCES[name]),
        mend=mend,
        is_quick=name == "raises",
    )


def recover(cloud: Cloud) -> None:
    """Firehose believed the processor: raw/ alone still has the clicks."""
    found = cloud.ops("reconcile", "--no-wait", "--recover", code=1)
    assert found["missing"] == REQUESTS * CLICKS_IN_A_REQUEST
    replay(cloud)


def raising(cloud: Cloud) -> AbstractContextManager[None]:
    return cloud.processor(SOURCES["raises"])


def replay_in_vain(cloud: Cloud, times: int) -> None:
    for _ in range(times):
        cloud.settle()
        cloud.ops("replay")


def replay_parked(cloud: Cloud) -> None:
    cloud.ops("replay", "--parked")


def replay_killed(cloud: Cloud) -> None:
    for number in (6, 7, 8, 9):  # the object was read; its records were put; it was copied; it was deleted
        run_killed(["replay"], cloud.env, number, "after")
    replay(cloud)


# The catalogue.


class BadCatalogue(BaseHTTPRequestHandler):
    answer_seconds: ClassVar[float] = 0
    answers: ClassVar[Iterator[tuple[int, bytes]]]

    def do_GET(self) -> None:
        time.sleep(self.answer_seconds)
        status, body = next(self.answers)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


SLOW: list[tuple[int, bytes]] = [(200, b'{"species":"Chimera"}')]
LIES = [
    (200, b"<html>Not found</html>"),
    (200, b"[]"),
    (200, b'{"species":{"a":[1]},"goodevil":null}'),
    (200, b'{"species":"' + b"x" * 100_000 + b'"}'),
    (500, b""),
    (302, b""),
    (200, b"\xff\xfe"),
]


def catalogue(
    answers: list[tuple[int, bytes]], seconds: float = 0
) -> Callable[[Cloud], AbstractContextManager[None]]:
    @contextmanager
    def on(cloud: Cloud) -> Iterator[None]:
        handler = type("Handler", (BadCatalogue,), {"answers": cycle(answers), "answer_seconds": seconds})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever).start()
        with cloud.settings(CATALOGUE_URL=f"http://127.0.0.1:{server.server_port}/{{id}}"):
            yield
        server.shutdown()
        server.server_close()

    return on


def catalogue_down(cloud: Cloud) -> AbstractContextManager[None]:
    return cloud.settings(CATALOGUE_URL=f"http://127.0.0.1:{free_port()}/{{id}}")


def other_items() -> list[Clicks]:
    """Of which nothing is remembered."""
    return [[click(mysfitId=new_id()) for _ in batch] for batch in some_batches()]


FAULTS = (
    Fault("none"),
    Fault("half of the clicks are invalid", batches=half_broken),
    Fault("a request with too many clicks", batches=lambda: [[click() for _ in range(501)]]),
    Fault("two tabs send the same clicks", batches=sent_by_two_tabs),
    Fault("the page's clock is wrong by a year", batches=from_other_years),
    Fault("the page never receives the response", send=unheard),
    Fault("the ingest app is killed mid-request", on=ingest_killed),
    Fault("Firehose throttles every other put", on=plan(throttleEvery=2)),
    Fault("Firehose throttles every put", on=plan(throttleEvery=1)),
    Fault(
        "Firehose throttles every put until the page is closed", on=plan(throttleEvery=1), page_closes=True
    ),
    Fault("Firehose is down", on=plan(dropBeforeEvery=1)),
    Fault("the connection is reset before every third put is accepted", on=plan(dropBeforeEvery=3)),
    Fault(
        "the connection is reset after every third put is accepted", on=plan(dropAfterEvery=3), is_quick=True
    ),
    Fault("Firehose responds too late", on=plan(delaySeconds=4), batches=partial(some_batches, 4)),
    Fault("a record begins with garbage", send=behind_garbage),
    Fault("the stream delivers twice", on=plan(deliverTwice=True)),
    Fault("the stream is killed with a full buffer", on=plan(s3DownSeconds=600), meanwhile=emulator_killed),
    Fault("S3 is down for four seconds", on=plan(s3DownSeconds=4)),
    *map(processor, SOURCES),
    Fault(
        "the processor raises, and raises again on two replays",
        raising,
        meanwhile=partial(replay_in_vain, times=2),
    ),
    Fault(
        "the processor raises until its records are parked, and the parked records are replayed",
        raising,
        meanwhile=partial(replay_in_vain, times=6),
        mend=replay_parked,
    ),
    Fault("the processor raises, and the replay is killed four times", raising, mend=replay_killed),
    Fault("the catalogue is down", on=catalogue_down, batches=other_items),
    Fault("the catalogue is slow", on=catalogue(SLOW, seconds=5)),
    Fault("the catalogue returns invalid data", on=catalogue(LIES), batches=other_items),
    Fault("the keeper fails", on=failing_keeper),
    Fault("the keeper runs twice at once", meanwhile=run_twice),
    Fault("the keeper is late by days", meanwhile=run_late),
    Fault("the processor raises, and the keeper replays", raising, mend=replay_by_keeper),
)
