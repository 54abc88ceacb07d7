"""The server of every AWS API: hypercorn, changed so that a handler can reset its client's connection."""

import asyncio
import contextlib
import contextvars
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

KEEP_ALIVE_SECONDS = 75  # as MiniStack's own start sets it

_reset_connection: contextvars.ContextVar[Callable[[], object]] = contextvars.ContextVar("reset_connection")


def reset_connection() -> None:
    """Reset the TCP connection of the request that is being handled."""
    _reset_connection.get()()


def allow_resets() -> None:
    """Make reset_connection work. Hypercorn does not tell a handler which connection it serves."""
    from hypercorn.asyncio import run  # type: ignore[import-not-found]
    from hypercorn.asyncio.tcp_server import TCPServer  # type: ignore[import-not-found]

    class ResettableServer(TCPServer):  # type: ignore[misc]
        async def run(self) -> None:
            _reset_connection.set(partial(self.loop.call_soon_threadsafe, self._reset))
            await super().run()

        def _reset(self) -> None:
            if self.writer.is_closing():  # the client did not wait
                return
            no_linger = struct.pack("ii", 1, 0)  # closing then sends a TCP reset
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
            self.writer.transport.abort()

    run.TCPServer = ResettableServer


@contextlib.contextmanager
def explain_taken_port(port: int) -> Iterator[None]:
    """Turn an OSError into a SystemExit that names the port."""
    try:
        yield
    except OSError as error:
        raise SystemExit(f"port {port}: {error.strerror}") from error


async def serve(app: Any, gateway: socket.socket, log_level: str, on_stop: Callable[[], object]) -> None:
    """Serve the ASGI app until SIGTERM or SIGINT. `on_stop` runs while the app still answers."""
    from hypercorn.asyncio import serve as serve_asgi
    from hypercorn.config import Config  # type: ignore[import-not-found]

    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)

    async def wait_and_flush() -> None:
        await stopping.wait()
        await asyncio.to_thread(on_stop)

    config = Config()
    config.bind = [f"fd://{gateway.detach()}"]
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.loglevel = log_level
    await serve_asgi(app, config, shutdown_trigger=wait_and_flush)
