"""A site and an endpoint in one: it serves pages, writes down what is sent, and fails when told to."""

import json
import os
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.support.paths import ROOT

WEB = Path(os.environ.get("CLICKLAKE_WEB", ROOT / "web"))
"""The folder of the built trackers. tracker/mutate.py serves others, and has no time to wait for them."""
WAIT_SECONDS = int(os.environ.get("CLICKLAKE_WAIT", "20"))


@dataclass(frozen=True)
class Answer:
    """What a request for clicks gets. `status` None is a connection that breaks."""

    status: int | None = 202
    headers: Mapping[str, str] = field(default_factory=dict)
    document: Mapping[str, Any] | None = None
    """None: receipts as the API writes them."""
    is_readable: bool = True
    """False: without CORS headers, as a gateway answers that throttles."""
    is_held: bool = False
    """True: not before `release()`."""


@dataclass(frozen=True)
class Received:
    headers: Mapping[str, str]
    body: str
    clicks: list[dict[str, Any]]

    @property
    def ids(self) -> list[str]:
        return [click["eventId"] for click in self.clicks]


class RecordingServer:
    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, Mapping[str, str]]] = {}
        self.requests: list[Received] = []
        self.preflights = 0
        self.answers: list[Answer] = []
        """For the next requests, one each; `otherwise` for all after them."""
        self.otherwise = Answer()
        self.most_clicks = 500
        self._changed = threading.Condition()
        self._released = threading.Event()
        self._port = 0
        self.start()

    def start(self) -> None:
        """Again under the same port, if it has been stopped."""
        handler = type("Handler", (_Handler,), {"recorder": self})
        self._http = _Http(("127.0.0.1", self._port), handler)
        self._port = self._http.server_port
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections from now on, and end those that there are."""
        self._released.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
        self._released.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self._port}{path}"

    @property
    def endpoint(self) -> str:
        return self.url("/clicks")

    def serve(self, path: str, html: str, **headers: str) -> str:
        """Serve a page, and say where. A header's name is written with underscores."""
        self.pages[path] = (html, {name.replace("_", "-"): value for name, value in headers.items()})
        return self.url(path)

    def release(self) -> None:
        self._released.set()

    @property
    def clicks(self) -> list[dict[str, Any]]:
        return [click for request in list(self.requests) for click in request.clicks]

    @property
    def ids(self) -> list[str]:
        return [click["eventId"] for click in self.clicks]

    def wait_for(self, what: Callable[[], Any], seconds: float = WAIT_SECONDS) -> Any:
        """The first true answer of `what`, asked anew whenever a request has come."""
        with self._changed:
            found = self._changed.wait_for(what, seconds)
        assert found, (
            f"{len(self.requests)} requests with {len(self.clicks)} clicks, and not what was waited for"
        )
        return found

    def wait_for_clicks(self, count: int) -> list[dict[str, Any]]:
        """At least `count` different clicks."""
        self.wait_for(lambda: len(set(self.ids)) >= count)
        return self.clicks

    def wait_for_requests(self, count: int) -> list[Received]:
        self.wait_for(lambda: len(self.requests) >= count)
        return self.requests

    def take(self, headers: Mapping[str, str], body: str) -> Answer:
        clicks = json.loads(body)["clicks"]
        with self._changed:
            self.requests.append(Received(headers, body, clicks))
            answer = self.answers.pop(0) if self.answers else self.otherwise
            self._changed.notify_all()
        if answer.is_held:
            self._released.wait(WAIT_SECONDS)
        if answer.status == 202 and len(clicks) > self.most_clicks:
            return Answer(413, document={"detail": f"The body has more than {self.most_clicks} clicks."})
        if answer.status == 202 and answer.document is None:
            return Answer(document={"receipts": receipts_for(clicks)})
        return answer


def receipts_for(clicks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"index": index, "eventId": click["eventId"], "result": "accepted"}
        for index, click in enumerate(clicks)
    ]


class _Http(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that leaves breaks its connections: that is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    recorder: RecordingServer

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path in self.recorder.pages:
            html, headers = self.recorder.pages[path]
            self._send(200, {"Content-Type": "text/html; charset=utf-8", **headers}, html)
        elif path == "/tracker/clicks.js":
            self._send(200, {"Content-Type": "text/javascript"}, (ROOT / path[1:]).read_text())
        elif path.startswith("/tracker"):
            self._send(200, {"Content-Type": "text/javascript"}, (WEB / path[1:]).read_text())
        else:
            self._send(404, {}, "")

    def do_OPTIONS(self) -> None:
        self.recorder.preflights += 1
        self._send(204, {"Access-Control-Allow-Origin": "*"}, "")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        answer = self.recorder.take(dict(self.headers), body)
        if answer.status is None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        headers = {"Content-Type": "application/json", **answer.headers}
        if answer.is_readable:
            headers |= {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}
        self._send(answer.status, headers, json.dumps(answer.document or {}))

    def _send(self, status: int, headers: Mapping[str, str], text: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {"Cache-Control": "no-cache", **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
