"""A Firehose of one operation, PutRecord, over real HTTP, that can be told to misbehave."""

import base64
import json
import socket
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4


class FirehoseServer(ThreadingHTTPServer):
    """Takes records until `answers` says otherwise: each request uses up one, and the last stays."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Callable[[_Handler], None]] = [take]
        self.taken: list[bytes] = []
        self.asked = 0
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def envelopes(self) -> list[dict[str, Any]]:
        return [json.loads(record) for record in self.taken]

    def behave(self, *answers: Callable[["_Handler"], None]) -> None:
        self.answers, self.taken, self.asked = list(answers), [], 0

    def next_answer(self) -> Callable[["_Handler"], None]:
        with self._lock:
            self.asked += 1
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def __enter__(self) -> "FirehoseServer":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.closing.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is what half of the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: FirehoseServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # else Nagle's algorithm and delayed ACKs cost 44 ms an answer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["X-Amz-Target"] == "Firehose_20150804.PutRecord"
        self.record = base64.b64decode(json.loads(body)["Record"]["Data"])
        self.server.next_answer()(self)

    def answer(self, status: int, body: bytes, content_type: str = "application/x-amz-json-1.1") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def take(handler: _Handler) -> None:
    handler.server.taken.append(handler.record)
    handler.answer(200, json.dumps({"RecordId": str(uuid4()), "Encrypted": False}).encode())


def throttle(handler: _Handler) -> None:
    _fail(handler, 400, "ThrottlingException", "Rate exceeded")


def slow_down(handler: _Handler) -> None:
    _fail(handler, 500, "ServiceUnavailableException", "Slow down.")


def deny(handler: _Handler) -> None:
    _fail(handler, 400, "AccessDeniedException", "not authorized to perform: firehose:PutRecord")


def lose_the_stream(handler: _Handler) -> None:
    _fail(handler, 400, "ResourceNotFoundException", "Firehose not found")


def fall_silent(handler: _Handler) -> None:
    handler.server.closing.wait(30)


def take_and_fall_silent(handler: _Handler) -> None:
    handler.server.taken.append(handler.record)
    fall_silent(handler)


def reset(handler: _Handler) -> None:
    """RST instead of an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    for end in (handler.rfile, handler.wfile, handler.connection):
        end.close()  # the socket is closed with the last of them


def take_and_reset(handler: _Handler) -> None:
    handler.server.taken.append(handler.record)
    reset(handler)


def hang_up(handler: _Handler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def break_off(handler: _Handler) -> None:
    """Promise more than comes."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b'{"RecordId": "')
    handler.wfile.flush()
    hang_up(handler)


def answer_with(status: int, body: bytes) -> Callable[[_Handler], None]:
    return lambda handler: handler.answer(status, body)


def write(raw: bytes) -> Callable[[_Handler], None]:
    """Bytes that are perhaps no HTTP at all."""

    def answer(handler: _Handler) -> None:
        handler.wfile.write(raw)
        handler.wfile.flush()
        hang_up(handler)

    return answer


def _fail(handler: _Handler, status: int, code: str, message: str) -> None:
    handler.answer(status, json.dumps({"__type": code, "message": message}).encode())
