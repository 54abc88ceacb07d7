"""Batches that try to make the processor work as hard as they can, each as large as Firehose's buffer.

Every string of a click comes from a stranger, so each input is a rule for one envelope. `fill` repeats the
rule, with other random parts each time, until the buffer of the template is full.
"""

import io
import json
import os
import random
import string
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from http.server import ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import msgspec
import pybase64

from benchmarks.batches import ITEMS, Event, make_agent, make_envelope
from benchmarks.processor import Catalogue, Context, served
from benchmarks.processor import forget as forget_texts

BUFFER_BYTES = 512 * 1024  # ProcessorBufferSizeMiB
RECEIVED = "2026-11-24T02:38:02.123Z"
BROWSER = make_agent(0)

Envelope = dict[str, Any]
Rule = Callable[[random.Random], Envelope]


def fill(rule: Rule, seed: int = 0) -> Event:
    """Return as many records as fit into the buffer."""
    chance = random.Random(seed)  # noqa: S311
    records = [
        {
            "recordId": f"{number:056d}000000",
            "approximateArrivalTimestamp": 1_795_489_985_680,
            "data": pybase64.b64encode_as_string(data),
        }
        for number, data in enumerate(_until_full(rule, chance))
    ]
    return {"invocationId": "i", "deliveryStreamArn": "a", "region": "us-east-1", "records": records}


def _until_full(rule: Rule, chance: random.Random) -> Iterator[bytes]:
    left = BUFFER_BYTES
    while (left := left - len(data := msgspec.json.encode(rule(chance)) + b"\n")) >= 0:
        yield data


def normal(chance: random.Random) -> Envelope:
    """An envelope of 10 clicks, as the tracker sends them. Its texts are as new as those of a hostile one."""
    return make_envelope(chance, chance.randrange(2**30) * 10, urls=None, agents=None, clicks=10)


def envelope(
    chance: random.Random, clicks: list[Envelope], agent: str | None = BROWSER, is_known: bool = True
) -> Envelope:
    """Without a known sender an envelope is 150 bytes shorter, and a batch has more of them."""
    sender = {"address": "203.0.113.0", "country": "DE", "visitorId": f"{chance.getrandbits(256):064x}"}
    return {
        "v": 1,
        "requestId": str(uuid.UUID(int=chance.getrandbits(128))),
        "receivedAt": RECEIVED,
        "sentAt": "2026-11-24T02:38:01.900Z" if is_known else None,
        **(sender if is_known else dict.fromkeys(sender)),
        "userAgent": agent,
        "privacy": None,
        "replays": 0,
        "clicks": clicks,
    }


def click(chance: random.Random, **fields: Any) -> Envelope:
    return {"type": "a", "userId": "g", "eventId": str(uuid.UUID(int=chance.getrandbits(128))), **fields}


def word(chance: random.Random, length: int = 6, letters: str = string.ascii_lowercase) -> str:
    return "".join(chance.choices(letters, k=length))


def clicks_with(count: int, fields: Callable[[random.Random], Envelope]) -> Rule:
    return lambda chance: envelope(chance, [click(chance, **fields(chance)) for _ in range(count)])


def agents_of(make: Callable[[random.Random], str]) -> Rule:
    return lambda chance: envelope(chance, [click(chance)], make(chance), is_known=False)


def items_of(count: int) -> Rule:
    def rule(chance: random.Random) -> Envelope:
        clicks = [click(chance, type="click", mysfitId=word(chance)) for _ in range(count)]
        return envelope(chance, clicks, is_known=count > 1)

    return rule


def _dotted(chance: random.Random, characters: int) -> str:
    return word(chance, 4) + ".a" * ((characters - 4) // 2)


_AGENT_LETTERS = string.ascii_letters + string.digits + " /.;()"
_UTM = "&".join(f"utm_{name}=%41" for name in ("source", "medium", "campaign", "term", "content"))

# Name of an input to its rule. "new" texts differ from click to click, so that no cache knows them.
INPUTS: dict[str, Rule] = {
    "500 smallest clicks in each envelope": clicks_with(500, lambda chance: {}),
    "1 smallest click in each envelope": agents_of(lambda chance: BROWSER),
    "500 new items in each envelope": items_of(500),
    "1 new item in each envelope": items_of(1),
    "new agents of 8 characters": agents_of(lambda chance: word(chance, 8)),
    "new agents of 45 characters": agents_of(lambda c: f"Mozilla/5.0 (iPhone) AppleWebKit/605 {word(c, 8)}"),
    "new agents of 150 characters": agents_of(lambda c: make_agent(c.randrange(2**40))),
    "new agents of 1,024 characters": agents_of(lambda chance: word(chance, 1024, _AGENT_LETTERS)),
    "new agents of 340 characters that are not ASCII": agents_of(
        lambda chance: "é😀日" * 112 + word(chance, 4)
    ),
    "new agents that become a browser's name": agents_of(
        lambda chance: f"{word(chance, 950)}/1.0 CFNetwork/1 Darwin/20"
    ),
    "new hosts of 3 letters": clicks_with(
        500, lambda c: {"url": f"a://{word(c, 3)}", "referrer": f"a://{word(c, 3)}"}
    ),
    "new hosts that share a suffix": clicks_with(
        500, lambda c: {"url": f"a://{word(c, 4)}.co.uk", "referrer": f"a://{word(c, 4)}.google.co.uk"}
    ),
    "new hosts of 253 characters": clicks_with(
        50, lambda c: {"url": f"a://{_dotted(c, 240)}.b", "referrer": f"a://{_dotted(c, 240)}.google.b"}
    ),
    "new hosts of 2,000 characters": clicks_with(
        50, lambda c: {"url": f"a://{_dotted(c, 2000)}", "referrer": f"a://{_dotted(c, 2000)}"}
    ),
    "new queries of 1,000 parameters": clicks_with(50, lambda c: {"url": f"a://b?{'&a' * 1000}{word(c, 4)}"}),
    "new queries of 50 empty parameters": clicks_with(
        500, lambda c: {"url": f"a://b?{'&' * 50}{word(c, 3)}"}
    ),
    "new campaigns with every parameter": clicks_with(
        500, lambda c: {"url": f"a://b?{_UTM}&gclid={word(c, 3)}"}
    ),
    "new campaigns of 600 escapes": clicks_with(
        50, lambda c: {"url": f"a://b?utm_term={'%41' * 600}{word(c, 4)}"}
    ),
    "new campaigns of 2,000 broken escapes": clicks_with(
        50, lambda c: {"url": f"a://b?utm_term={'%' * 2000}{word(c, 4)}"}
    ),
    "32 properties in each click": clicks_with(50, lambda c: {"properties": {str(n): "" for n in range(32)}}),
    "texts that JSON must escape": clicks_with(
        50, lambda c: {"title": "\x01" * 512, "element": {"text": "\\" * 512}}
    ),
}

NORMAL = f"{BUFFER_BYTES // 1024} KiB of envelopes of 10 clicks, 12 items; every URL and user agent is new"


def build_normal() -> Event:
    return fill(normal)


def build(rule: Rule) -> Event:
    return fill(rule)


class NoTimeForCalls(Context):
    """The catalogue's calls have limits of their own, so they are measured apart."""

    def get_remaining_time_in_millis(self) -> int:
        return 0


def run(event: Event) -> None:
    process(event, NoTimeForCalls())


def process(event: Event, context: Context) -> dict[str, Any]:
    """Return the metrics."""
    from processor.handler import lambda_handler

    log = io.StringIO()
    with redirect_stdout(log):
        lambda_handler(event, context)
    metrics: dict[str, Any] = json.loads(log.getvalue())
    return metrics


def forget() -> None:
    """Forget what strangers can make new. The items that the catalogue has stay known, the others do not."""
    from processor.handler import ITEMS

    forget_texts()
    ITEMS._not_found_since.clear()


@contextmanager
def opened() -> Iterator[None]:
    """Start a catalogue that knows the items of the normal batch. Others get a 404 after 30 ms."""
    with served(serve_few_items) as url:
        os.environ["CATALOGUE_URL"] = f"{url}/{{id}}"
        process(build_normal(), Context())
        yield


def print_more() -> None:
    """Print what the catalogue's calls cost where strangers make up ids."""
    print("\n| ids that the catalogue does not know | calls | not asked | wall, ms | CPU, ms |")
    print("| --- | --: | --: | --: | --: |")
    for count in (500, 1):
        forget()
        wall, cpu = time.perf_counter(), time.process_time()
        metrics = process(fill(items_of(count)), Context())
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        calls = f"{metrics['CatalogueCalls']:,} | {metrics['NotAsked']:,} of {metrics['Clicks']:,}"
        print(f"| {count} new in each envelope | {calls} | {wall * 1000:.0f} | {cpu * 1000:.0f} |")


class FewItems(Catalogue):
    known = frozenset(ITEMS)

    def do_GET(self) -> None:  # noqa: N802
        time.sleep(0.03)
        if self.path[1:] in self.known:
            super().do_GET()
        else:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()


def serve_few_items(port: Connection) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), FewItems)
    port.send(server.server_port)
    server.serve_forever()


# What the search builds texts of. "§" stands for a random word, so that no cache knows the text.
_WORDS = """
    § § § § / . ; ( ) : & = % + @ - _ ? # [ ] é 日 😀 %41 %C3 %zz utm_source= utm_term= utm_campaign= gclid=
    &utm_medium= UTM_Content= a.a.a. .co.uk .com .github.io .google. google. mail. https:// a:// user:pass@
    [2001:db8::1] .. Mozilla/5.0 (iPhone; Android Chrome/1.1 Safari Firefox/1 Gecko CFNetwork/1 Darwin/2 bot
    crawl http:// Opera Mini MSIE Trident Windows NT Linux; SM-T1 Nokia UCWEB BlackBerry Tizen/ Podcast iTunes
    RSS Kindle Silk/ Nexus TV SmartTV PlayStation Xbox Version/1.1 Mobile/1 Build/ FBAN/ Instagram Electron/
"""
_FRAGMENTS = _WORDS.split()
_TEXTS = ("userAgent", "url", "referrer", "mysfitId", "title", "userId", "property")
_LIMITS = {"userAgent": 1024, "url": 2048, "referrer": 2048, "mysfitId": 128, "title": 512, "userId": 128}


class Genome(NamedTuple):
    clicks: int  # in each envelope
    properties: int
    is_known: bool  # whether the sender has an address
    texts: dict[str, tuple[str, ...]]  # fragments by field


def mutate(chance: random.Random, genome: Genome | None) -> Genome:
    if genome is None:
        name = chance.choice(_TEXTS)
        texts = {each: _fragments(chance) for each in _TEXTS if each == name or chance.random() < 0.2}
        return Genome(chance.choice([1, 2, 10, 50, 500]), 0, chance.random() < 0.5, texts)
    kind = chance.randrange(6)
    if kind == 0:
        return genome._replace(
            clicks=max(1, min(500, round(genome.clicks * chance.choice([0.1, 0.5, 2, 10]))))
        )
    if kind == 1:
        return genome._replace(is_known=not genome.is_known, properties=chance.choice([0, 0, 1, 8, 32]))
    name = chance.choice(_TEXTS)
    parts = list(genome.texts.get(name, ()))
    if kind == 2:
        parts = list(_fragments(chance)) if chance.random() < 0.7 else []
    elif kind == 3:
        parts = parts * chance.choice([2, 5]) if chance.random() < 0.5 else parts[: len(parts) // 2]
    else:
        for _ in range(chance.choice([1, 1, 3])):
            place = chance.randrange(len(parts) + 1)
            parts[place : place + chance.randrange(2)] = [chance.choice(_FRAGMENTS)]
    return genome._replace(texts=genome.texts | {name: tuple(parts)})


def to_rule(genome: Genome) -> Rule:
    def text(chance: random.Random, name: str) -> str:
        parts = genome.texts.get(name, ())
        return "".join(word(chance, 4) if part == "§" else part for part in parts)[: _LIMITS.get(name, 512)]

    def fields(chance: random.Random) -> Envelope:
        texts: Envelope = {name: text(chance, name) for name in _TEXTS[1:-1] if genome.texts.get(name)}
        if genome.properties:
            texts["properties"] = {
                f"{n}{text(chance, 'property')}"[:64]: "" for n in range(genome.properties)
            }
        return texts

    def rule(chance: random.Random) -> Envelope:
        clicks = [click(chance, **fields(chance)) for _ in range(genome.clicks)]
        agent = text(chance, "userAgent") if genome.texts.get("userAgent") else BROWSER
        return envelope(chance, clicks, agent, genome.is_known)

    return rule


def describe(genome: Genome) -> str:
    texts = {name: "".join(parts)[:80] for name, parts in genome.texts.items() if parts}
    return f"{genome.clicks} clicks in each envelope, {genome.properties} properties, {texts}"


def _fragments(chance: random.Random) -> tuple[str, ...]:
    return tuple(chance.choices(_FRAGMENTS, k=chance.choice([1, 3, 10, 40, 200])))
