"""One GET of one small document: bounded in bytes and in time, whatever the server does."""

import socket
import time
from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

CONNECT_TIMEOUT_SECONDS = 1.0
READ_TIMEOUT_SECONDS = 2.0  # for the answer's beginning, and for its end after that
MAX_BODY_BYTES = 64 * 1024
MAX_REDIRECTS = 3

NOT_THERE = (404, 403)  # a private bucket says 403 of what it does not hold


class FetchError(Exception):
    """The server gave no answer that can be used; it may give one later."""


class Fetcher:
    """A pooled session. Its methods may be called from several threads."""

    def __init__(self, connections: int) -> None:
        self._session = requests.Session()
        self._session.trust_env = False  # neither a proxy nor a .netrc of the machine
        self._session.headers = {"Accept": "application/json", "User-Agent": "clicklake-processor"}
        adapter = _Adapter(pool_maxsize=connections)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def get(self, url: str) -> bytes | None:
        """The body; None if the server says there is no such thing. Raises FetchError."""
        try:
            return self._get(url)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise FetchError(type(error).__name__) from error

    def _get(self, url: str) -> bytes | None:
        for _ in range(1 + MAX_REDIRECTS):
            timeout = (CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS)
            with self._session.get(url, timeout=timeout, stream=True, allow_redirects=False) as response:
                if response.status_code == 200:
                    return _read(response)
                if response.status_code in NOT_THERE:
                    return None
                if not response.is_redirect:
                    raise FetchError(f"status {response.status_code}")
                url = _redirected(url, response.headers["Location"])
        raise FetchError("too many redirects")

    def cut(self) -> None:
        """End every call under way: one whose server sends a byte now and then never times out."""
        for connection in list(_Connection.open):
            with suppress(OSError):  # closed meanwhile
                if connection.sock:
                    connection.sock.shutdown(socket.SHUT_RDWR)


def _read(response: requests.Response) -> bytes:
    deadline = time.monotonic() + READ_TIMEOUT_SECONDS
    body = b""
    while chunk := response.raw.read1(MAX_BODY_BYTES):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise FetchError("too long")
        if time.monotonic() > deadline:
            raise FetchError("too slow")
    return body


def _redirected(url: str, location: str) -> str:
    """Raises FetchError if the redirect leads off the host."""
    source, target = urlsplit(url), urlsplit(urljoin(url, location))
    if target.netloc != source.netloc or target.scheme not in (source.scheme, "https"):
        raise FetchError("redirected elsewhere")
    return target.geturl()


class _Connection(HTTPConnection):
    open: ClassVar[set[HTTPConnection]] = set()

    def connect(self) -> None:
        super().connect()
        self.open.add(self)

    def close(self) -> None:
        self.open.discard(self)
        super().close()


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    """Its pools are ours: urllib3's do not know a connection once they have lent it."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
