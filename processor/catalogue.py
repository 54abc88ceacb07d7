"""One item of the catalogue, over HTTP: bounded in bytes and in time, whatever the server does."""

import socket
import ssl
import time
from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import quote, urljoin, urlsplit

import certifi
import msgspec
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

CONNECT_TIMEOUT_SECONDS = 1.0
READ_TIMEOUT_SECONDS = 2.0  # for the answer's first byte, and from then on for all of them
MAX_ANSWER_BYTES = 64 * 1024
MAX_REDIRECTS = 3

NO_SUCH_ITEM = (404, 403)  # a private bucket says 403 of what it does not hold

# Percent-encoded, an id reaches its own path segment and no other. These two cannot be encoded:
# clients and servers resolve them all the same.
NOT_A_SEGMENT = (".", "..")


class CatalogueError(Exception):
    """No answer that can be used; there may be one later."""


class Catalogue:
    """A pooled session. Its methods may be called from several threads."""

    def __init__(self, url: str, connections: int) -> None:
        """The URL holds `{id}`."""
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False  # neither a proxy nor a .netrc of the machine
        self._session.headers.clear()
        self._session.headers.update({"Accept": "application/json", "User-Agent": "clicklake-processor"})
        self._adapter = _Adapter(connections)
        self._session.mount("http://", self._adapter)
        self._session.mount("https://", self._adapter)

    def get(self, item_id: str) -> dict[str, Any] | None:
        """What the catalogue says of the item; None if it has none. Raises CatalogueError."""
        if item_id in NOT_A_SEGMENT:
            return None
        try:
            body = self._get(self._url.replace("{id}", quote(item_id, safe="")))
            return None if body is None else msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise CatalogueError("not a JSON object") from error
        except (
            requests.RequestException,
            HTTPError,
            OSError,
            ValueError,
        ) as error:  # ValueError: a redirect's
            raise CatalogueError(type(error).__name__) from error

    def hang_up(self) -> None:
        """Close every connection that is not in use."""
        self._session.close()

    def cut(self) -> None:
        """End every call under way: one whose server sends a byte now and then never times out."""
        for connection in list(_Connection.all_open):
            with suppress(OSError):  # closed meanwhile
                if connection.sock:
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def _get(self, url: str) -> bytes | None:
        for _ in range(1 + MAX_REDIRECTS):
            timeout = (CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS)
            with self._session.get(url, timeout=timeout, stream=True, allow_redirects=False) as response:
                if response.status_code in NO_SUCH_ITEM:
                    with suppress(CatalogueError):  # a body read to its end frees the connection
                        _read(response)
                    return None
                if response.status_code == 200:
                    return _read(response)
                if not response.is_redirect:
                    raise CatalogueError(f"status {response.status_code}")
                url = _redirected(url, response.headers["Location"])
        raise CatalogueError("too many redirects")


def _read(response: requests.Response) -> bytes:
    deadline = time.monotonic() + READ_TIMEOUT_SECONDS
    body = b""
    while chunk := response.raw.read1(MAX_ANSWER_BYTES, decode_content=True):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise CatalogueError("too long")
        if time.monotonic() > deadline:
            raise CatalogueError("too slow")
    return body


def _redirected(url: str, location: str) -> str:
    """Raises CatalogueError if the redirect leads off the host."""
    source, target = urlsplit(url), urlsplit(urljoin(url, location))
    if target.netloc != source.netloc or target.scheme not in (source.scheme, "https"):
        raise CatalogueError("redirected elsewhere")
    return target.geturl()


class _Connection(HTTPConnection):
    """Known to us while it is open; urllib3 forgets a connection that it has lent to a caller."""

    all_open: ClassVar[set[HTTPConnection]] = set()

    def connect(self) -> None:
        super().connect()
        self.all_open.add(self)

    def close(self) -> None:
        self.all_open.discard(self)
        super().close()


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    """Of its own it has the pools, and one TLS context for all connections."""

    def __init__(self, connections: int) -> None:
        self.trust = ssl.create_default_context(cafile=certifi.where())
        super().__init__(pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self.trust, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The context verifies. requests would have each connection read 130 authorities anew: 15 ms."""
