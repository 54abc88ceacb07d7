"""The live page's server on its own, on a free port."""

import http.client
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from clicklake.local.delivery_stream.faults import Faults
from clicklake.local.delivery_stream.objects import Kind, SealedObject
from clicklake.local.live.event_log import EventLog
from clicklake.local.live.server import LiveServer, LiveSources

LINKS = {"site": "http://127.0.0.1:4566/site/index.html", "curl": "curl -X PUT http://127.0.0.1:5050/clicks"}


class Served:
    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.log, self.faults = EventLog(clock), Faults()
        self.calls: list[str] = []
        self.server = LiveServer(
            0, LiveSources(self.log, self.faults, lambda: 7, self._flush, self._save, LINKS)
        )
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}).start()

    def _flush(self, seconds: float) -> bool:
        self.calls.append(f"flush with {self.faults.plan}, {self.log.totals()['delivered']} delivered")
        return True

    def _save(self) -> None:
        self.calls.append("save")

    def land(self, kind: Kind, *payloads: bytes) -> None:
        self.log.add(SealedObject(kind, "lake", "key", b"", None, list(payloads)))

    def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any, http.client.HTTPMessage]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(method, path, data, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        is_json = answer.headers["Content-Type"] == "application/json"
        return answer.status, json.loads(content) if is_json else content, answer.headers

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
