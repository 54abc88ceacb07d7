"""MiniStack with our delivery stream in it, and the live page beside it.

Start it with `python -m clicklake.local.emulator.ministack`.

The only file that touches MiniStack's insides. They are of the exact version below: another stops the start.
Its settings are those of settings.py.

Ready when `GET /_ministack/health` on GATEWAY_PORT answers 200: both ports answer then, and a line beginning
with "ready" is printed. Exits 1, naming the port, when one is taken. SIGTERM and SIGINT deliver what is
buffered (for up to FLUSH_SECONDS; the journal keeps the rest for the next start), save the control plane, and
end with 0.
"""

import asyncio
import contextlib
import contextvars
import importlib.metadata
import json
import os
import shutil
import signal
import socket
import struct
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from clicklake.local.delivery_stream.faults import Faults
from clicklake.local.delivery_stream.journal import DiskJournal
from clicklake.local.delivery_stream.objects import Object
from clicklake.local.delivery_stream.puts import ConnectionDroppedError, PutApi, PutError
from clicklake.local.delivery_stream.stream import Surroundings
from clicklake.local.delivery_stream.streams import Configured, Streams
from clicklake.local.delivery_stream.transform import InvocationError
from clicklake.local.emulator.athena import json_relation
from clicklake.local.emulator.settings import Settings, read_settings
from clicklake.local.live.feed import Feed
from clicklake.local.live.server import Live, LiveServer

MINISTACK_VERSION = "1.5.33"
FLUSH_SECONDS = 5.0
KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE")

_reset_connection: contextvars.ContextVar[Callable[[], object]] = contextvars.ContextVar("reset_connection")


def set_environment(settings: Settings) -> None:
    """Leave what MiniStack and the functions need, nothing of the user's. Before MiniStack is imported."""
    kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    temporary = settings.state / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)  # MiniStack leaves its unpacked functions behind
    temporary.mkdir(parents=True)
    os.environ.clear()
    os.environ |= kept | {
        "GATEWAY_PORT": str(settings.gateway_port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "localhost",
        "MINISTACK_REGION": settings.region,
        "LOG_LEVEL": settings.log_level,
        "TMPDIR": str(temporary),
        "AUTH": "true",  # IAM is enforced
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "PERSIST_STATE": "1",  # the control plane, saved at SIGTERM
        "STATE_DIR": str(settings.state / "ministack"),
        "S3_PERSIST": "1",  # each object, saved before its put is answered
        "S3_DATA_DIR": str(settings.state / "s3"),
    }


class MiniStack:
    """What we need of MiniStack, and how we get it."""

    def __init__(self) -> None:
        version = importlib.metadata.version("ministack")
        if version != MINISTACK_VERSION:
            raise SystemExit(f"MiniStack is {version}; this module was written for {MINISTACK_VERSION}")
        from ministack import app  # type: ignore[import-not-found]
        from ministack.core import responses  # type: ignore[import-not-found]
        from ministack.services import athena, firehose, lambda_svc, s3  # type: ignore[import-not-found]

        self._responses, self._firehose, self._lambda, self._s3 = responses, firehose, lambda_svc, s3
        self._app = app
        guess = athena._table_relation
        athena._table_relation = lambda table, files: (
            json_relation(table, files) if athena._data_format(table) == "json" else guess(table, files)
        )

    def install(self, api: PutApi) -> None:
        """Put our two operations in the place of MiniStack's."""
        self._firehose._HANDLERS["PutRecord"] = self._operation(api.put_record)
        self._firehose._HANDLERS["PutRecordBatch"] = self._operation(api.put_record_batch)

    def _operation(self, operate: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Callable[[Any], Any]:
        def handle(request: Any) -> Any:
            try:
                return self._responses.json_response(operate(request))
            except PutError as refused:
                return self._responses.error_response_json(refused.code, refused.message, refused.status)
            except ConnectionDroppedError:
                _reset_connection.get()()
                return self._responses.json_response({})  # reaches nobody

        return handle

    def stream_arn(self, name: str) -> str:
        """In the account and region of the request at hand."""
        return str(self._firehose._stream_arn(name))

    def configured(self, arn: str) -> Configured | None:
        with self._scope(arn):
            stream = self._firehose._streams.get(arn.rpartition("/")[2])
        destinations = stream["destinations"] if stream and stream["status"] == "ACTIVE" else []
        for destination in destinations:
            if destination["type"] in ("ExtendedS3", "S3"):
                return Configured(stream["version"], destination["config"])
        return None

    def invoke(self, lambda_arn: str, payload: bytes) -> bytes:
        with self._scope(lambda_arn):
            name, qualifier = self._lambda._resolve_name_and_qualifier(lambda_arn)
            function, _ = self._lambda._get_func_record_for_qualifier(name, qualifier)
            if function is None:
                raise InvocationError.not_found()
            result = self._lambda._execute_function(function, json.loads(payload))
        if result.get("throttle"):
            raise InvocationError.throttled()
        if result.get("error"):
            raise InvocationError.function_error()
        return json.dumps(result.get("body")).encode()

    def put_object(self, sealed: Object) -> None:
        """Into a bucket of the emulator's own account, which is the context's default."""
        headers = {
            "host": "s3.localhost",
            "content-type": "application/octet-stream",
            "content-length": str(len(sealed.body)),
        }
        if sealed.content_encoding:
            headers["content-encoding"] = sealed.content_encoding
        path = f"/{sealed.bucket}/{sealed.key}"
        status, *_ = asyncio.run(
            self._s3.handle_request("PUT", path, headers, sealed.body, {}, internal=True)
        )
        if status != 200:
            raise OSError(f"S3 answers {status}")

    def save(self) -> None:
        """Write the control plane to disk, as MiniStack does when it ends."""
        self._app.save_all(self._app._build_persistence_save_dict())

    def _scope(self, arn: str) -> contextlib.AbstractContextManager[None]:
        _, _, _, region, account, *_ = arn.split(":")
        return self._responses.request_scope(account, region)  # type: ignore[no-any-return]


def make_connections_droppable() -> None:
    """Let a request's code reset the connection that it came by: hypercorn tells nobody which that is."""
    from hypercorn.asyncio import run  # type: ignore[import-not-found]
    from hypercorn.asyncio.tcp_server import TCPServer  # type: ignore[import-not-found]

    class DroppableServer(TCPServer):  # type: ignore[misc]
        async def run(self) -> None:
            _reset_connection.set(partial(self.loop.call_soon_threadsafe, self._reset))
            await super().run()

        def _reset(self) -> None:
            if self.writer.is_closing():  # the client did not wait
                return
            linger_not_at_all = struct.pack("ii", 1, 0)  # so that closing sends a TCP reset
            connection = self.writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not_at_all)
            self.writer.transport.abort()

    run.TCPServer = DroppableServer


@contextlib.contextmanager
def naming(port: int) -> Iterator[None]:
    """End by naming the port that is taken."""
    try:
        yield
    except OSError as error:
        raise SystemExit(f"port {port}: {error.strerror}") from error


async def serve(gateway: socket.socket, stopped: Callable[[], object]) -> None:
    """Serve MiniStack until SIGTERM or SIGINT; `stopped` is called while it still answers."""
    from hypercorn.asyncio import serve as serve_asgi
    from hypercorn.config import Config  # type: ignore[import-not-found]
    from ministack.app import app  # type: ignore[import-not-found]

    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)

    async def wait_and_flush() -> None:
        await stopping.wait()
        await asyncio.to_thread(stopped)

    config = Config()
    config.bind = [f"fd://{gateway.detach()}"]
    config.keep_alive_timeout = 75  # as MiniStack's own start sets it
    config.loglevel = os.environ["LOG_LEVEL"]
    await serve_asgi(app, config, shutdown_trigger=wait_and_flush)


def announce_when_ready(settings: Settings) -> None:
    """Print one line once both ports answer."""
    health = f"http://127.0.0.1:{settings.gateway_port}/_ministack/health"
    with urllib.request.urlopen(health, timeout=60) as answer:
        answer.read()
    print(
        f"ready s3=http://127.0.0.1:{settings.gateway_port} live=http://127.0.0.1:{settings.live_port}",
        flush=True,
    )


@dataclass(frozen=True)
class Cloud:
    """The parts of a running emulator."""

    streams: Streams
    journal: DiskJournal
    live: LiveServer


def assemble(settings: Settings, ministack: MiniStack) -> Cloud:
    """Build the streams and the live page, and put the streams in the place of MiniStack's."""
    feed, faults = Feed(), Faults()
    journal = DiskJournal(settings.state / "journal.sqlite")

    def put_object(sealed: Object) -> None:
        faults.check_s3()
        ministack.put_object(sealed)

    around = Surroundings(
        invoke=ministack.invoke,
        put_object=put_object,
        journal=journal,
        landed=feed.add,
        deliver_twice=faults.deliver_twice,
    )
    streams = Streams(ministack.configured, around, journal, settings.max_buffer_seconds)
    ministack.install(PutApi(lambda name: streams.find(ministack.stream_arn(name)), streams.wake, faults))
    with naming(settings.live_port):
        live = LiveServer(
            settings.live_port, Live(feed, faults, streams.waiting, streams.flush, ministack.save)
        )
    return Cloud(streams, journal, live)


def main() -> None:
    settings = read_settings(os.environ)
    with naming(settings.gateway_port):
        gateway = socket.create_server(("127.0.0.1", settings.gateway_port))
    set_environment(settings)
    cloud = assemble(settings, MiniStack())
    make_connections_droppable()
    cloud.streams.start()
    threading.Thread(target=cloud.live.serve_forever, daemon=True).start()
    threading.Thread(target=announce_when_ready, args=(settings,), daemon=True).start()
    asyncio.run(serve(gateway, lambda: cloud.streams.flush(FLUSH_SECONDS)))
    cloud.streams.stop()
    cloud.live.shutdown()
    cloud.journal.close()


if __name__ == "__main__":
    main()
