"""The live page's server: clicks as they land, for people, for tests and for the terminal.

    GET  /            the page
    GET  /delivered   JSON arrays, oldest first: lines, error documents, envelopes as they landed; only the
         /failed      latest, as many as event_log.py keeps in memory
         /raw
    GET  /events      the same as server-sent events: `event: delivered|failed|raw|reset`, `data: <JSON>`.
                      Only new ones, or also the last `?recent=N`, or everything kept after `Last-Event-ID`
    GET  /status      totals since the last reset, landings in each second of the last minute, records that
                      have not landed, active faults
    GET  /links       where clicks come from: the sample site, and a curl command
    POST /reset       switch faults off, deliver waiting records, then empty all of the above; objects stay
                      in S3
    POST /faults      set the active faults (faults.py); `{}` switches all of them off
    POST /save        save the control plane (streams, functions, stacks) now: SIGKILL would lose it

security.py says which requests are answered.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qs, urlsplit

from clicklake.local.delivery_stream.faults import FaultPlan, Faults, parse_plan
from clicklake.local.delivery_stream.objects import Kind
from clicklake.local.live import security
from clicklake.local.live.event_log import MAX_KEPT_ENTRIES, EventLog

MAX_BODY_BYTES = 64 * 1024
IDLE_SECONDS = 10.0  # a comment this often keeps an event stream open, and detects readers that left
FLUSH_SECONDS = 10.0
MAX_DIGITS = 18

_PAGES = {
    "/": ("live.html", "text/html; charset=utf-8"),
    "/live.css": ("live.css", "text/css; charset=utf-8"),
    "/live.js": ("live.js", "text/javascript; charset=utf-8"),
}


@dataclass(frozen=True)
class LiveSources:
    """What the server shows, and what it can start."""

    log: EventLog
    faults: Faults
    waiting: Callable[[], int]  # the number of accepted records that have not landed
    flush: Callable[[float], bool]  # deliver them now, within this many seconds
    save: Callable[[], None]  # save the control plane
    links: Mapping[str, str] = field(default_factory=dict)  # `site` and `curl`, where they are known


class LiveServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, sources: LiveSources) -> None:
        self.sources = sources
        super().__init__(("127.0.0.1", port), _LiveHandler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print a traceback, but not for a reader that left."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _LiveHandler(BaseHTTPRequestHandler):
    server: LiveServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # else headers and body are two packets, and keep-alive clients wait 40 ms between them

    def do_GET(self) -> None:
        if not self._is_for_us():
            return
        url = urlsplit(self.path)
        if url.path in _PAGES:
            name, media_type = _PAGES[url.path]
            self._respond(HTTPStatus.OK, (Path(__file__).parent / name).read_bytes(), media_type)
        elif url.path.lstrip("/") in get_args(Kind):
            self._respond_json(self.server.sources.log.to_json(url.path.lstrip("/")))  # type: ignore[arg-type]
        elif url.path == "/status":
            self._respond_json(self._status())
        elif url.path == "/links":
            links = self.server.sources.links
            self._respond_json(json.dumps({name: links.get(name, "") for name in ("site", "curl")}))
        elif url.path == "/events":
            self._send_events(parse_qs(url.query))
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "no such page")

    def do_POST(self) -> None:
        body, sources = self._read_body(), self.server.sources
        if body is None or not self._is_for_us() or not self._is_from_our_page():
            return
        if self.path == "/reset":
            sources.faults.use(FaultPlan())
            sources.flush(FLUSH_SECONDS)
            sources.log.reset()
        elif self.path == "/faults":
            try:
                sources.faults.use(parse_plan(json.loads(body or b"{}")))
            except (ValueError, RecursionError) as error:
                self._refuse(HTTPStatus.BAD_REQUEST, str(error))
                return
        elif self.path == "/save":
            sources.save()
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "no such page")
            return
        self._respond_json(self._status())

    def _status(self) -> str:
        sources = self.server.sources
        faults = asdict(sources.faults.plan)
        counts = {**sources.log.totals(), "waiting": sources.waiting(), "kept": MAX_KEPT_ENTRIES}
        return json.dumps({**counts, "faults": faults, "lastMinute": sources.log.last_minute()})

    def _send_events(self, query: dict[str, list[str]]) -> None:
        """Write events until the reader leaves or the process ends."""
        log = self.server.sources.log
        after = _parse_number(self.headers.get("Last-Event-ID"))
        if after is None:
            after = log.number_before_last(_parse_number(query.get("recent", ["0"])[0]) or 0)
        self.close_connection = True  # the response has no length
        self.send_response(HTTPStatus.OK)
        self._send_headers("text/event-stream")
        try:
            self.wfile.flush()  # so that the reader knows it is connected, even if nothing has landed yet
            for entry in log.follow(after, IDLE_SECONDS):
                if entry.event == "idle":
                    self.wfile.write(b":\n\n")
                else:
                    event = f"id: {entry.number}\nevent: {entry.event}\ndata: {entry.json}\n\n"
                    self.wfile.write(event.encode())
                self.wfile.flush()
        except OSError:
            pass

    def _is_for_us(self) -> bool:
        if security.is_own_host(self.headers.get("Host", "")):
            return True
        self._refuse(HTTPStatus.MISDIRECTED_REQUEST, "this server answers to 127.0.0.1 and localhost")
        return False

    def _is_from_our_page(self) -> bool:
        if security.is_own_origin(self.headers.get("Origin"), self.headers.get("Host")):
            return True
        self._refuse(HTTPStatus.FORBIDDEN, "a page of another origin may not do this")
        return False

    def _read_body(self) -> bytes | None:
        if "Transfer-Encoding" in self.headers:
            self.close_connection = True  # its chunks would be taken for the next request
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "a body needs a Content-Length")
            return None
        length = _parse_number(self.headers.get("Content-Length", "0"))
        if length is None or length > MAX_BODY_BYTES:
            self.close_connection = True  # the unread body would be taken for the next request
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has at most {MAX_BODY_BYTES} bytes")
            return None
        return self.rfile.read(length)

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self._respond(status, json.dumps({"error": reason}).encode(), "application/json")

    def _respond_json(self, text: str) -> None:
        self._respond(HTTPStatus.OK, text.encode(), "application/json")

    def _respond(self, status: HTTPStatus, body: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self._send_headers(media_type)
        self.wfile.write(body)

    def _send_headers(self, media_type: str) -> None:
        if self.close_connection:
            self.send_header("Connection", "close")
        self.send_header("Content-Type", media_type)
        for name, value in security.HEADERS.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the terminal shows clicks."""


def _parse_number(text: str | None) -> int | None:
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    return int(text) if text and is_number else None
