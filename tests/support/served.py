"""A WSGI server in a thread, which tests stop while it waits for requests."""

import threading
from typing import Any

import waitress


def new_server() -> Any:
    """Return a server on any port of this machine. Its `application` is set before it starts."""
    return waitress.create_server(lambda *_: [], host="127.0.0.1", port=0, threads=8)


class ServerThread:
    def __init__(self, server: Any) -> None:
        self._server, self._is_closing = server, False
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        self._is_closing = True
        self._server.close()

    def _run(self) -> None:
        try:
            self._server.run()
        except OSError:  # its sockets are closed while it waits for them
            if not self._is_closing:
                raise
