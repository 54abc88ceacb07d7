"""Requests that try to make the ingest app work as hard as they can. Every body has at most 256 KiB.

The clock runs from API Gateway's event to the answer: Zappa's way to the app, the app, botocore's way to the
socket. Only the socket itself is left out.
"""

import base64
import contextlib
import gc
import io
import json
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from werkzeug.wrappers import Response
from zappa.wsgi import create_wsgi_request  # type: ignore[import-untyped]

from benchmarks.events import make_body, make_event
from ingest_app import create_app
from ingest_app.aws.stream import FirehoseStream
from ingest_app.parsing.body import MAX_BODY_BYTES
from ingest_app.settings import IngestSettings

NORMAL = "500 clicks as the tracker sends them, 191 KiB"
ID = "0e2f7b8a-1f1d-4d3c-9a52-6b7f0a4c1d01"
NAMES = "abcdefghijklmnopqrstuvwxyzABCDEF"
UNKNOWN = '{"type":"a","z":1}'

Body = bytes


class _Firehose:
    """Answers what botocore is about to send."""

    body = b'{"RecordId": "id-1", "Encrypted": false}'

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, HTTPHeaders(), _RawBody(self.body))


class _RawBody(io.BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.read()


_app: Any = None


@contextmanager
def opened() -> Iterator[None]:
    """Start the app as the Lambda function has it."""
    global _app
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ.setdefault(name, "test")
    stream = FirehoseStream("clicks", "clicklake/benchmark", "us-east-1")
    events: Any = stream._client.meta.events
    events.register("before-send.firehose", _Firehose())
    settings = IngestSettings("clicks", allowed_hosts=("mysfits.example",))
    _app = create_app(settings, stream).wsgi_app
    gc.freeze()
    thresholds = gc.get_threshold()
    gc.set_threshold(10_000)  # as lambda_entry.py has it
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def build_normal() -> dict[str, Any]:
    return to_event(make_body(500).encode())


def build(rule: Body) -> dict[str, Any]:
    assert len(rule) <= MAX_BODY_BYTES, f"{len(rule):,} B"
    return to_event(rule)


def to_event(body: Body) -> dict[str, Any]:
    return make_event("") | {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def run(given: dict[str, Any]) -> tuple[int, int]:
    """Return the response's status and size."""
    with contextlib.redirect_stdout(io.StringIO()):  # the app's metrics
        environ = create_wsgi_request(given, script_name="/dev", binary_support=True)
        environ["lambda.event"] = given
        response = Response.from_app(_app, environ)
        return response.status_code, len(response.get_data(as_text=True))


def forget() -> None:
    """Do nothing: what the app caches is the queries of URLs, and every input has the same ones anew."""


def fill(unit: str | bytes, head: str = "", tail: str = "", separator: str = "") -> bytes:
    """Repeat `unit` as often as fits between `head` and `tail`."""
    one = unit if isinstance(unit, bytes) else unit.encode()
    gap = separator.encode()
    room = MAX_BODY_BYTES - len(head.encode()) - len(tail.encode())
    count = (room + len(gap)) // (len(one) + len(gap))
    return head.encode() + gap.join([one] * count) + tail.encode()


def clicks(click: Callable[[int], str], last: str | None = None) -> bytes:
    """Return up to 500 clicks; `last`, if given, is the last one."""
    made: list[str] = []
    size = 2 + len((last or "").encode())
    for number in range(500 if last is None else 499):
        text = click(number)
        size += len(text.encode()) + 1
        if size > MAX_BODY_BYTES:
            break
        made.append(text)
    return f"[{','.join([*made, *([last] if last else [])])}]".encode()


def properties(value: str) -> Callable[[int], str]:
    inner = ",".join(f'"{name}":{value}' for name in NAMES)
    return lambda _: f'{{"type":"a","properties":{{{inner}}}}}'


def unknown_names(count: int) -> str:
    return ",".join(f'"{number:x}":1' for number in range(count))


def inputs() -> Iterator[tuple[str, bytes]]:
    """Yield every named body."""
    yield (
        "500 clicks x 32 properties 1.5e300, last with an unknown field",
        clicks(properties("1.5e300"), UNKNOWN),
    )
    for value in ("1e9", "true", "null", '"v"', "1e-4", "9" * 9, "[]", "{}"):
        yield (
            f"500 clicks x 32 properties {value}, last with an unknown field",
            clicks(properties(value), UNKNOWN),
        )
        yield f"500 clicks x 32 properties {value}", clicks(properties(value))
    yield "500 clicks with 60 unknown fields", clicks(lambda _: f'{{"type":"a",{unknown_names(60)}}}')
    yield (
        "500 clicks with 60 unknown element fields",
        clicks(lambda _: f'{{"type":"a","element":{{{unknown_names(60)}}}}}'),
    )
    yield (
        "500 clicks, every field invalid",
        clicks(
            lambda _: json.dumps(
                dict.fromkeys(
                    [
                        *(
                            "type",
                            "userId",
                            "itemId",
                            "mysfitId",
                            "eventId",
                            "occurredAt",
                            "sessionId",
                            "url",
                        ),
                        *("referrer", "title", "element", "properties"),
                    ],
                    5,
                )
                | {"element": dict.fromkeys(["tag", "id", "text", "href"], 5)}
            )
        ),
    )
    yield (
        "500 clicks, every time invalid",
        clicks(lambda _: '{"type":"a","occurredAt":"2026-11-24T02:38:60Z"}'),
    )
    yield "500 clicks that are numbers", b"[" + b",".join([b"5"] * 500) + b"]"
    yield "500 clicks with one eventId", clicks(lambda _: f'{{"type":"a","eventId":"{ID}"}}')
    yield (
        "500 clicks with one eventId, last unknown",
        clicks(lambda _: f'{{"type":"a","eventId":"{ID}"}}', UNKNOWN),
    )
    yield "names that occur 40,000 times", fill('"a":1', '{"type":"a",', "}", ",")
    yield "40,000 unknown names", f'{{"type":"a",{unknown_names(24_000)}}}'.encode()
    yield "40,000 members beside clicks", f'{{"clicks":[{UNKNOWN}],{unknown_names(24_000)}}}'.encode()
    yield "40,000 properties", f'{{"type":"a","properties":{{{unknown_names(24_000)}}}}}'.encode()
    yield "130,000 numbers", fill("1", '{"x":[', "]}", ",")
    yield "130,000 clicks", fill("1", "[", "]", ",")
    yield "65,000 exponents", fill("1e9", '{"x":[', "]}", ",")
    yield "43,000 large exponents", fill("1e300", '{"x":[', "]}", ",")
    yield "60,000 zeros with exponents", fill("0e0", '{"x":[', "]}", ",")
    yield "85,000 empty arrays", fill("[]", '{"x":[', "]}", ",")
    yield "85,000 empty arrays, last deep", fill("[]", '{"x":[', "," + "[" * 40 + "]" * 40 + "]}", ",")
    yield "30 levels again and again", fill("[" * 30 + "]" * 30, '{"x":[', "]}", ",")
    yield "60,000 levels", b"[" * 60_000
    yield "130,000 levels, closed", b"[" * 131_072 + b"]" * 131_072
    yield "depth of objects", b'{"a":' * 52_000
    yield "closing brackets", b"]" * MAX_BODY_BYTES
    yield "85,000 empty strings", fill('""', '{"x":[', "]}", ",")
    yield "85,000 empty strings, last deep", fill('""', '{"x":[', "," + "[" * 40 + "]" * 40 + "]}", ",")
    yield "85,000 empty strings, last a lone surrogate", fill('""', '{"x":[', ',"\\ud800"]}', ",")
    yield "85,000 empty strings, last too large", fill('""', '{"x":[', ",1e999]}", ",")
    yield "130,000 escapes", fill("\\n", '{"x":"', '"}')
    yield "130,000 escapes and a lone surrogate", fill("\\n", '{"x":"', '\\ud800"}')
    yield "130,000 escaped backslashes", fill("\\\\", '{"x":"', '"}')
    yield "43,000 unicode escapes", fill("\\u0041", '{"x":"', '"}')
    yield "43,000 unicode escapes, then half a pair", fill("\\u0041", '{"x":"', '\\ud83d"}')
    yield "21,000 surrogate pairs", fill("\\ud83d\\udc09", '{"x":"', '"}')
    yield "21,000 surrogate pairs, then half a pair", fill("\\ud83d\\udc09", '{"x":"', '\\ud83d"}')
    yield "strings of one surrogate pair", fill('"\\ud83d\\udc09"', '{"x":[', "]}", ",")
    yield "a string that never ends", fill("a", '{"x":"')
    yield "an escape that never ends", fill("\\", '{"x":"')
    yield "a number of 260,000 digits", fill("9", '{"x":', "}")
    yield "numbers of 4,300 digits", fill("9" * 4300, '{"x":[', "]}", ",")
    yield "numbers of 308 digits", fill("9" * 308, '{"x":[', "]}", ",")
    yield "properties of 300 digits", clicks(lambda _: f'{{"type":"a","properties":{{"a":{"9" * 300}}}}}')
    yield "fractions of 260,000 digits", fill("9", '{"x":0.', "}")
    yield "white space", fill(" ", '{"type":"a"', "}")
    yield "new lines before an error", fill("\n", "[", "x]")
    yield "not UTF-8 at the end", fill("a", '{"x":"')[:-1] + b"\xff"
    yield "four-byte characters", fill("🐉", '{"x":"', '"}')
    yield "500 titles that are cut", clicks(lambda _: json.dumps({"type": "a", "title": "t" * 480}))
    for name, url in endless_urls():
        yield f"one url: {name}", fill(json.dumps(url)[1:-1], '{"type":"a","url":"http://', '"}')
    for name, url in urls():
        long = json.dumps({"type": "a", "url": url[:2048]})
        yield f"url: {name}", clicks(lambda _, long=long: long)  # type: ignore[misc]
        yield f"url: {name}, last unknown", clicks(lambda _, long=long: long, UNKNOWN)  # type: ignore[misc]
        short = json.dumps({"type": "a", "url": url[:220], "referrer": url[:220]})
        yield f"url and referrer: {name}", clicks(lambda _, short=short: short)  # type: ignore[misc]
        href = json.dumps({"type": "a", "element": {"href": url[:460]}})
        yield f"href: {name}", clicks(lambda _, href=href: href)  # type: ignore[misc]


def urls() -> Iterator[tuple[str, str]]:
    """Yield URLs that are slow to clean."""
    yield "ampersands", "http://a/?" + "&" * 2100
    yield "parameters", "http://a/?" + "a&" * 1050
    yield "campaign parameters", "http://a/?" + "utm_source=&" * 180
    yield "almost campaign parameters", "http://a/?" + "utm_sourc&" * 210
    yield "at signs in the host", "http://" + "@" * 2030 + "a"
    yield "at signs in the host, no host", "http://" + "@" * 2100
    yield "users", "http://" + "a@" * 1010 + "a"
    yield "slashes", "http://a" + "/" * 2100
    yield "slashes and at signs", "http://a" + "/@" * 1050
    yield "mail addresses", "http://a" + "/a@b.c" * 350
    yield "percent signs", "http://a/" + "%40" * 700
    yield "token characters", "http://a/" + "aB3" * 700
    yield "tokens", "http://a" + "/aB3dE6gH9jK2mN5pQ8sT1v" * 91
    yield "almost tokens", "http://a" + "/aaaaaaaaaaaaaaaaaaaa1" * 91
    yield "dashes", "http://a/" + "a-" * 1050
    yield "digits", "http://a/" + "1a" * 1050
    yield "question marks", "http://a/" + "?" * 2100
    yield "hashes", "http://a/" + "#" * 2100
    yield "dots in the host", "http://" + "." * 2100
    yield "a colon after each letter", "http://" + "a:" * 1020 + "a"
    yield "backslashes", "http://a" + "\\" * 2100
    yield "blanks", "http://a/" + " a" * 1050
    yield "blanks of three bytes", "http://a/" + "\u3000a" * 1050
    yield "backslashes in the query", "http://a/?" + "\\" * 2100
    yield "blanks in the query", "http://a/?" + " &" * 1050


def endless_urls() -> Iterator[tuple[str, str]]:
    """Yield what a URL that takes the whole body may consist of."""
    yield "host", "a"
    yield "international host", "\u00fc"
    yield "path", "a/"
    yield "tokens", "a/aB3dE6gH9jK2mN5pQ8sT1v"
    yield "mail addresses", "a/a@b.c"
    yield "users", "a@"
    yield "backslashes", "a\\"
    yield "blanks", "a/ "
    yield "campaign parameters", "a/?utm_id=&"
    yield "escapes", "a/%C3"


INPUTS: dict[str, Body] = dict(inputs())

PARTS = [
    *(b'"', b"\\", b"[", b"]", b"{", b"}", b",", b":", b"1", b"1e9", b"1e300", b"9" * 310, b"null", b"true"),
    *(b'"a":1,', b'"properties":{', b'"url":"http://a/', b'"element":{', b"\\u0041", b"\\ud83d\\udc09"),
    *(b"\\ud800", b"/a@b.c", b"/aB3dE6gH9jK2mN5pQ8sT1v", b"&utm_source=", b"%40", b"@", b"\xf0\x9f\x90\x89"),
    *(b'{"type":"a"},', b'{"type":"a","title":"', b'"occurredAt":"2026-11-24T02:38:01Z",'),
]


class Mutant(NamedTuple):
    """A body, and where it comes from."""

    origin: str
    body: Body


def mutate(chance: random.Random, genome: Mutant | None) -> Mutant:
    """Change a body at one place, or put one more click at its end. None begins with a named input."""
    origin, body = genome or Mutant(*chance.choice(list(INPUTS.items())))
    part = chance.choice(PARTS)
    at, end = sorted(chance.randrange(len(body) + 1) for _ in range(2))
    kind = chance.randrange(6)
    if kind == 0:
        body = body[:at] + part * chance.choice([1, 3, 30, 300]) + body[at:]
    elif kind == 1:
        body = body[:at] + body[end:]
    elif kind == 2:
        body = body.replace(chance.choice(PARTS), part)
    elif kind == 3:
        body = body[:at] + body[at : at + 200] * chance.randrange(2, 60) + body[at:]
    elif kind == 4:
        clicks_part = body.rstrip(b"]}")
        body = clicks_part + b"," + UNKNOWN.encode() + body[len(clicks_part) :]
    else:
        body = clicks(random_click(chance), chance.choice([None, UNKNOWN]))
        origin = "made-up clicks"
    return Mutant(origin, body[:MAX_BODY_BYTES] or b"[]")


def random_click(chance: random.Random) -> Callable[[int], str]:
    """Return a maker of clicks with some fields, each of a value that one of the named inputs has."""
    values: list[Any] = ["", "x" * chance.choice([1, 100, 512, 600]), 5, [], {}, None, True, ID]
    paths = [url[: chance.choice([60, 120, 460, 2048])] for _, url in urls()]
    fields: dict[str, list[Any]] = {
        "type": ["a", "A"],
        "userId": values,
        "itemId": values,
        "eventId": values,
        "occurredAt": ["2026-11-24T02:38:01Z", *values],
        "url": [*paths, *values],
        "referrer": [*paths, *values],
        "title": values,
        "element": [{"href": chance.choice(paths)}, dict.fromkeys(NAMES, 1), *values],
        "properties": [
            dict.fromkeys(NAMES, chance.choice([1.5e300, 1e9, True, [], "v", 10**30])),
            {name * 20: "x" * chance.choice([1, 300]) for name in NAMES[:8]},
            *values,
        ],
        **{f"unknown{number}": values for number in range(chance.choice([0, 1, 30]))},
    }
    chosen = chance.sample(sorted(fields), chance.randrange(1, len(fields) + 1))
    click = json.dumps({"type": "a"} | {name: chance.choice(fields[name]) for name in chosen})
    return lambda _: click


def to_rule(genome: Mutant) -> Body:
    return genome.body


def describe(genome: Mutant) -> str:
    return f"{genome.origin}, changed: {len(genome.body):,} B, which begin with {genome.body[:300]!r}"


def print_more() -> None:
    """Print the largest answer to a named input."""
    sizes = {name: (run(build(body))[1], len(body)) for name, body in INPUTS.items()}
    name = max(sizes, key=lambda one: sizes[one][0])
    print(f"The largest answer: {sizes[name][0]:,} B to {sizes[name][1]:,} B ({name}).")
