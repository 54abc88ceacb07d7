"""Faults of a catalogue that need a real connection."""

from collections.abc import Callable

from tests.processor.catalogue_server import Visit


def slow_headers(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\n")
    visit.wait_until_the_client_leaves()


def slow_body(visit: Visit) -> None:
    visit.send(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"species":')
    visit.wait_until_the_client_leaves()


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


def reset(visit: Visit) -> None:
    visit.reset()


def not_http(visit: Visit) -> None:
    visit.send(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")


WIRE_FAULTS: dict[str, Callable[[Visit], None]] = {
    "slow headers": slow_headers,
    "slow body": slow_body,
    "dripping body": dripping_body,
    "dripping chunks": dripping_chunks,
    "endless body": endless_body,
    "short body": short_body,
    "reset": reset,
    "not HTTP": not_http,
}
