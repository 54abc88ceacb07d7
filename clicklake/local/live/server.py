"""The live page's server: clicks as they land, for people, for tests and for the terminal.

    GET  /            the page
    GET  /delivered   JSON arrays, oldest first: lines, error documents, envelopes as they landed; as many of
         /failed      the latest as feed.py keeps in memory
         /raw
    GET  /events      the same as server-sent events: `event: delivered|failed|raw|reset`, `data: <JSON>`;
                      what is new, after the last `?recent=N`, or all that is kept after `Last-Event-ID`
    GET  /status      totals since the last reset, records still waiting, faults
    POST /reset       faults off, deliver what waits, then begin all of the above anew; objects stay in S3
    POST /faults      the faults that shall be on from now (faults.py), `{}` for none
    POST /save        save the control plane (streams, functions, stacks) now: a SIGKILL would lose it

It answers to this machine's own names alone (any page's name can be made to mean our address), and answers a
POST to its own page or to a client that names no origin.
"""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qs, urlsplit

from clicklake.local.delivery_stream.faults import Faults, Plan, parse_plan
from clicklake.local.delivery_stream.objects import Kind
from clicklake.local.live.feed import MAX_KEPT_ENTRIES, Feed

OWN_NAMES = {"127.0.0.1", "localhost", "[::1]"}
MAX_BODY_BYTES = 64 * 1024
IDLE_SECONDS = 10.0  # a comment that often keeps an event stream open, and finds readers who left
FLUSH_SECONDS = 10.0

_PAGES = {
    "/": ("live.html", "text/html; charset=utf-8"),
    "/live.css": ("live.css", "text/css; charset=utf-8"),
    "/live.js": ("live.js", "text/javascript; charset=utf-8"),
}
_SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Live:
    """What the page shows, and what it may set off."""

    feed: Feed
    faults: Faults
    waiting: Callable[[], int]  # records accepted and not landed
    flush: Callable[[float], bool]  # deliver them now, within so many seconds
    save: Callable[[], None]  # the control plane


class LiveServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, live: Live) -> None:
        self.live = live
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: LiveServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # else headers and body are two packets, and keep-alive clients wait 40 ms between them

    def do_GET(self) -> None:
        if not self._is_ours():
            return
        url = urlsplit(self.path)
        if url.path in _PAGES:
            name, media_type = _PAGES[url.path]
            self._answer(HTTPStatus.OK, (Path(__file__).parent / name).read_bytes(), media_type)
        elif url.path.lstrip("/") in get_args(Kind):
            self._answer_json(self.server.live.feed.kept(url.path.lstrip("/")))  # type: ignore[arg-type]
        elif url.path == "/status":
            self._answer_json(self._status())
        elif url.path == "/events":
            self._follow(parse_qs(url.query))
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "no such page")

    def do_POST(self) -> None:
        body = self._read_body()
        if body is None or not self._is_ours() or not self._comes_from_here():
            return
        if self.path == "/reset":
            self.server.live.faults.use(Plan())
            self.server.live.flush(FLUSH_SECONDS)
            self.server.live.feed.reset()
            self._answer_json(self._status())
        elif self.path == "/faults":
            self._set_faults(body)
        elif self.path == "/save":
            self.server.live.save()
            self._answer_json(self._status())
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "no such page")

    def _set_faults(self, body: bytes) -> None:
        try:
            self.server.live.faults.use(parse_plan(json.loads(body or b"{}")))
        except ValueError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
        else:
            self._answer_json(self._status())

    def _status(self) -> str:
        live = self.server.live
        faults = asdict(live.faults.plan)
        return json.dumps(
            {**live.feed.totals(), "waiting": live.waiting(), "kept": MAX_KEPT_ENTRIES, "faults": faults}
        )

    def _follow(self, query: dict[str, list[str]]) -> None:
        """Write events until the reader leaves or the process ends."""
        feed = self.server.live.feed
        after = _number(self.headers.get("Last-Event-ID"))
        if after is None:
            after = feed.number_before_last(_number(query.get("recent", ["0"])[0]) or 0)
        self.close_connection = True  # the answer has no length
        self.send_response(HTTPStatus.OK)
        self._send_headers("text/event-stream")
        try:
            self.wfile.flush()  # the reader is told that it is connected, though nothing has landed yet
            for entry in feed.follow(after, IDLE_SECONDS):
                if entry.event == "idle":
                    self.wfile.write(b":\n\n")
                else:
                    self.wfile.write(
                        f"id: {entry.number}\nevent: {entry.event}\ndata: {entry.json}\n\n".encode()
                    )
                self.wfile.flush()
        except OSError:
            pass

    def _is_ours(self) -> bool:
        name = re.sub(r":\d+$", "", self.headers.get("Host", ""))
        if name in OWN_NAMES:
            return True
        self._refuse(HTTPStatus.MISDIRECTED_REQUEST, "this server answers to 127.0.0.1 and localhost")
        return False

    def _comes_from_here(self) -> bool:
        origin = self.headers.get("Origin")
        if origin is None or origin == f"http://{self.headers.get('Host')}":
            return True
        self._refuse(HTTPStatus.FORBIDDEN, "a page of another origin may not do this")
        return False

    def _read_body(self) -> bytes | None:
        length = _number(self.headers.get("Content-Length", "0"))
        if length is None or length > MAX_BODY_BYTES:
            self.close_connection = True  # what is not read would be taken for the next request
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body is at most {MAX_BODY_BYTES} bytes")
            return None
        return self.rfile.read(length)

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self._answer(status, json.dumps({"error": reason}).encode(), "application/json")

    def _answer_json(self, text: str) -> None:
        self._answer(HTTPStatus.OK, text.encode(), "application/json")

    def _answer(self, status: HTTPStatus, body: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self._send_headers(media_type)
        self.wfile.write(body)

    def _send_headers(self, media_type: str) -> None:
        self.send_header("Content-Type", media_type)
        for name, value in _SECURITY_HEADERS.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the terminal shows clicks."""


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None
