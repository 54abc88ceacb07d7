"""A fake Firehose over HTTP. It knows one operation, PutRecord, and misbehaves on request."""

import base64
import json
import socket
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

Responder = Callable[["_Handler"], None]


class FirehoseServer(ThreadingHTTPServer):
    """Accepts records, unless it has other responders. Each request uses up one; the last one stays."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.responders: list[Responder] = [accept]
        self.accepted: list[bytes] = []
        self.request_count = 0
        self.closing = threading.Event()
        self.key_item: dict[str, Any] | None = None
        """The item of the visitor key's table, whose service this server plays too."""
        self.is_key_table_up = True
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def envelopes(self) -> list[dict[str, Any]]:
        return [json.loads(record) for record in self.accepted]

    def behave(self, *responders: Responder) -> None:
        self.responders, self.accepted, self.request_count = list(responders), [], 0

    def key_table(self, handler: "_Handler", operation: str, request: dict[str, Any]) -> None:
        if not self.is_key_table_up:
            return _fail(handler, 500, "InternalServerError", "down")
        if operation == "GetItem":
            return handler.respond(200, json.dumps({"Item": self.key_item} if self.key_item else {}).encode())
        names = request["ExpressionAttributeNames"]
        values = request.get("ExpressionAttributeValues", {})
        expected = {names[f"#{name[1:]}"]: value for name, value in values.items()}
        stored = {name: (self.key_item or {}).get(name) for name in expected}
        if (self.key_item is None) != (not expected) or stored != expected:
            return _fail(handler, 400, "ConditionalCheckFailedException", "The conditional request failed")
        self.key_item = request["Item"]
        return handler.respond(200, b"{}")

    def next_responder(self) -> Responder:
        with self._lock:
            self.request_count += 1
            return self.responders.pop(0) if len(self.responders) > 1 else self.responders[0]

    def __enter__(self) -> "FirehoseServer":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.closing.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore it: in half of the tests the client goes away."""


class _Handler(BaseHTTPRequestHandler):
    server: FirehoseServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # without a buffer, Nagle's algorithm and delayed ACKs cost 44 ms a response

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        target = self.headers["X-Amz-Target"]
        if target.startswith("DynamoDB_20120810."):
            self.server.key_table(self, target.partition(".")[2], json.loads(body))
            return
        assert target == "Firehose_20150804.PutRecord"
        self.record = base64.b64decode(json.loads(body)["Record"]["Data"])
        self.server.next_responder()(self)

    def respond(self, status: int, body: bytes, content_type: str = "application/x-amz-json-1.1") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def accept(handler: _Handler) -> None:
    handler.server.accepted.append(handler.record)
    handler.respond(200, json.dumps({"RecordId": str(uuid4()), "Encrypted": False}).encode())


def throttle(handler: _Handler) -> None:
    _fail(handler, 400, "ThrottlingException", "Rate exceeded")


def deny(handler: _Handler) -> None:
    _fail(handler, 400, "AccessDeniedException", "not authorized to perform: firehose:PutRecord")


def fall_silent(handler: _Handler) -> None:
    handler.server.closing.wait(30)


def accept_and_fall_silent(handler: _Handler) -> None:
    handler.server.accepted.append(handler.record)
    fall_silent(handler)


def reset(handler: _Handler) -> None:
    """Send a TCP RST instead of a response."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    for end in (handler.rfile, handler.wfile, handler.connection):
        end.close()  # the socket is closed with the last of them


def accept_and_reset(handler: _Handler) -> None:
    handler.server.accepted.append(handler.record)
    reset(handler)


def hang_up(handler: _Handler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def break_off(handler: _Handler) -> None:
    """Close the connection in the middle of a response."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b'{"RecordId": "')
    handler.wfile.flush()
    hang_up(handler)


def drip(raw: bytes, pause_seconds: float) -> Responder:
    """Send one byte at a time, with pauses that are shorter than any timeout."""

    def respond(handler: _Handler) -> None:
        for byte in raw:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            if handler.server.closing.wait(pause_seconds):
                return

    return respond


def write(raw: bytes) -> Responder:
    """Send these bytes, which may not be HTTP."""

    def respond(handler: _Handler) -> None:
        handler.wfile.write(raw)
        handler.wfile.flush()
        hang_up(handler)

    return respond


def _fail(handler: _Handler, status: int, code: str, message: str) -> None:
    handler.respond(status, json.dumps({"__type": code, "message": message}).encode())
