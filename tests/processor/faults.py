"""What a catalogue may do wrong, each by its name."""

import gzip
import json
from collections.abc import Callable

from tests.processor.catalogue_server import ITEM, Visit


def slow_headers(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\n")
    visit.wait_for_the_caller_to_leave()


def slow_body(visit: Visit) -> None:
    visit.send(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"species":')
    visit.wait_for_the_caller_to_leave()


def dripping_body(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
    visit.drip(b" ")


def dripping_chunks(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    visit.drip(b"1\r\n \r\n")


def endless_body(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        visit.send(b"1000\r\n" + 0x1000 * b" " + b"\r\n")


def short_body(visit: Visit) -> None:
    visit.send(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"species": "Chimera"}')
    visit.reset()


FIVE_MB = json.dumps({"species": 5_000_000 * "a"}).encode()
BOMB = gzip.compress(json.dumps(ITEM).encode() + 10_000_000 * b" ")


FAULTS: dict[str, Callable[[Visit], None]] = {
    "slow headers": slow_headers,
    "slow body": slow_body,
    "dripping body": dripping_body,
    "dripping chunks": dripping_chunks,
    "endless body": endless_body,
    "short body": short_body,
    "reset": lambda visit: visit.reset(),
    "no HTTP": lambda visit: visit.send(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"),
    "400": lambda visit: visit.answer(400),
    "401": lambda visit: visit.answer(401),
    "429": lambda visit: visit.answer(429),
    "500": lambda visit: visit.answer(500, json.dumps(ITEM).encode()),
    "503": lambda visit: visit.answer(503),
    "204": lambda visit: visit.answer(204),
    "empty": lambda visit: visit.answer(200),
    "HTML": lambda visit: visit.answer(200, b"<!doctype html><title>Sign in</title>"),
    "array": lambda visit: visit.answer_item([ITEM]),
    "number": lambda visit: visit.answer_item(5),
    "null": lambda visit: visit.answer_item(None),
    "not UTF-8": lambda visit: visit.answer(200, b'{"species": "\xff"}'),
    "deep JSON": lambda visit: visit.answer(200, b'{"species":' + b"[" * 60_000),
    "64 KiB and a byte": lambda visit: visit.answer(200, b"{}" + 65_535 * b" "),
    "5 MB of JSON": lambda visit: visit.answer(200, FIVE_MB),
    "a bomb": lambda visit: visit.answer(200, BOMB, "Content-Encoding: gzip"),
    "redirect elsewhere": lambda visit: visit.answer(302, b"", "Location: http://127.0.0.2:1/mysfits/x"),
    "redirect to another port": lambda visit: visit.answer(
        302, b"", "Location: http://127.0.0.1:1/mysfits/x"
    ),
    "redirect to a file": lambda visit: visit.answer(302, b"", "Location: file:///etc/passwd"),
    "redirect to nonsense": lambda visit: visit.answer(302, b"", "Location: http://[/"),
    "redirect in a circle": lambda visit: visit.answer(302, b"", f"Location: {visit.path}"),
    "redirect without a place": lambda visit: visit.answer(302),
}
