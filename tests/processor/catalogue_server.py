"""A catalogue on a real socket that misbehaves on request. It sends raw bytes, so it can also break HTTP."""

import contextlib
import json
import os
import socket
import socketserver
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from tests.processor.in_process_catalogue import ITEM


class Visit:
    """One request, and the ways to answer it."""

    def __init__(self, server: "CatalogueServer", connection: socket.socket, path: str) -> None:
        self.server = server
        self.path = path
        self.item_id = unquote(path.rpartition("/")[2])
        self._connection = connection

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def answer(self, status: int, body: bytes = b"", *headers: str) -> None:
        lines = [f"HTTP/1.1 {status} Reason", f"Content-Length: {len(body)}", *headers]
        self.send("\r\n".join([*lines, "", ""]).encode() + body)

    def answer_item(self, item: object = ITEM) -> None:
        self.answer(200, json.dumps(item).encode())

    def wait_until_the_client_leaves(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.recv(1)

    def reset(self) -> None:
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self._connection.detach())  # close() would wait for the file object that reads from it

    def drip(self, data: bytes) -> None:
        """Send `data` again and again, byte by byte, too fast for a read timeout, until the client leaves."""
        with contextlib.suppress(OSError):
            while not self.server.is_closing.wait(0.02):
                for byte in data:
                    self.send(bytes([byte]))
                    if self.server.is_closing.wait(0.02):
                        return


class CatalogueServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128
    block_on_close = True
    daemon_threads = False

    def __init__(self) -> None:
        self.behaviour: Callable[[Visit], None] = lambda visit: visit.answer_item()
        self.calls: Counter[str] = Counter()  # by path
        self.headers: list[str] = []  # of all requests
        self.connections = 0
        self.is_closing = threading.Event()
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), CatalogueConnection)

    @property
    def url(self) -> str:
        scheme = "https" if isinstance(self.socket, ssl.SSLSocket) else "http"
        return f"{scheme}://127.0.0.1:{self.server_address[1]}/mysfits/{{id}}"

    def speak_tls(self, certificate: str) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def stop(self) -> None:
        self.is_closing.set()
        self.shutdown()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent: these tests are about clients that hang up."""


class CatalogueConnection(socketserver.StreamRequestHandler):
    server: CatalogueServer

    def handle(self) -> None:
        self.server.connections += 1
        self.server._open.add(self.request)
        try:
            while path := self._read_request():
                self.server.calls[path] += 1
                self.server.behaviour(Visit(self.server, self.request, path))
        finally:
            self.server._open.discard(self.request)

    def _read_request(self) -> str | None:
        with contextlib.suppress(OSError, ValueError):
            request_line = self.rfile.readline().decode()
            while (header := self.rfile.readline()) not in (b"\r\n", b""):
                self.server.headers.append(header.decode("latin-1").strip())
            return request_line.split(" ")[1] if request_line else None
        return None
