"""Fetch one catalogue item over HTTP, bounded in bytes and in time whatever the server does.

Calls are stateless: no cookie is kept or sent. A redirect is followed once, and only to the same origin, so
the catalogue cannot send us to an address of our own network such as Lambda's or EC2's metadata service.
"""

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy
from typing import Any, ClassVar
from urllib.parse import quote, urljoin, urlsplit

import certifi
import msgspec
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from processor.settings import InvalidSettingError

CONNECT_TIMEOUT_SECONDS = 1.0
READ_TIMEOUT_SECONDS = 2.0  # until the first byte; then the same limit for the whole body
MAX_RESPONSE_BYTES = 64 * 1024
MAX_REDIRECTS = 1

# A private bucket answers 403 for keys that do not exist. 410 stands for an item that existed once.
NOT_FOUND_STATUSES = (404, 403, 410)

# The catalogue works, and refuses this id: it is malformed or too long. Asking again would not help.
REFUSED_STATUSES = (400, 405, 406, 414, 422, 431)

# A percent-encoded id cannot leave its path segment, with two exceptions: percent-encoding does not change
# these ids, and clients and servers resolve them as paths.
DOT_SEGMENTS = (".", "..")

_ID_PLACEHOLDER = "CLICKLAKE-ITEM-ID"
_NO_CATALOGUE = "http://localhost/"  # a deployment without a catalogue never calls


class CatalogueError(Exception):
    """The catalogue gave no usable response. A later attempt may succeed."""


class ItemRefusedError(CatalogueError):
    """The catalogue refuses this id. That says nothing about other ids."""


class CatalogueClient:
    """A pooled session. Several threads may call its methods."""

    def __init__(self, url: str, connections: int) -> None:
        """The URL contains `{id}`."""
        self.session = requests.Session()
        self.session.trust_env = False  # ignore the machine's proxy and .netrc
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # keep and send none
        self.session.headers.clear()
        self.session.headers.update({"Accept": "application/json", "User-Agent": "clicklake-processor"})
        self._request = self._prepare(url.replace("{id}", _ID_PLACEHOLDER) or _NO_CATALOGUE)
        self.adapter = _PooledAdapter(connections)
        self.session.mount("http://", self.adapter)
        self.session.mount("https://", self.adapter)

    def get(self, item_id: str, before_call: Callable[[], None] = lambda: None) -> dict[str, Any] | None:
        """Return the item's document, or None if there is no such item. Raise CatalogueError otherwise.

        `before_call` runs before each HTTP request, redirects included. It may raise CatalogueError.
        """
        if item_id in DOT_SEGMENTS:
            return None
        try:
            body = self._get(item_id, before_call)
            return None if body is None else msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise CatalogueError("not a JSON object") from error
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise CatalogueError(type(error).__name__) from error

    def close_idle(self) -> None:
        """Close every connection that is not in use."""
        self.session.close()

    def abort_in_flight(self) -> None:
        """Abort the requests in flight. A server that trickles bytes would never hit the read timeout."""
        for connection in list(_TrackedConnection.all_open):
            with suppress(OSError):  # closed by another thread
                if connection.sock:
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def _prepare(self, url: str) -> requests.PreparedRequest:
        try:
            return self.session.prepare_request(requests.Request("GET", url))
        except requests.RequestException as error:
            raise InvalidSettingError(f"CATALOGUE_URL: {error}") from error

    def _get(self, item_id: str, before_call: Callable[[], None]) -> bytes | None:
        # A copy of the prepared request, given to the adapter: `session.get` prepares each request anew and
        # looks for cookies, proxies and authentication, which takes 0.15 ms of CPU per call.
        request = self._request.copy()
        request.url = (self._request.url or "").replace(_ID_PLACEHOLDER, quote(item_id, safe=""))
        for _ in range(1 + MAX_REDIRECTS):
            before_call()
            timeout = (CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS)
            adapter = self.session.get_adapter(request.url)
            with adapter.send(request, stream=True, timeout=timeout) as response:
                if response.status_code in NOT_FOUND_STATUSES:
                    with suppress(CatalogueError):  # reading the body to its end frees the connection
                        _read_body(response)
                    return None
                if response.status_code == 200:
                    return _read_body(response)
                if response.status_code in REFUSED_STATUSES:
                    raise ItemRefusedError(f"status {response.status_code}")
                if not response.is_redirect:
                    raise CatalogueError(f"status {response.status_code}")
                request.prepare_url(_resolve_redirect(request.url, response.headers["Location"]), None)
        raise CatalogueError("too many redirects")


def _read_body(response: requests.Response) -> bytes:
    deadline = time.monotonic() + READ_TIMEOUT_SECONDS
    body = b""
    while chunk := response.raw.read1(MAX_RESPONSE_BYTES, decode_content=True):
        body += chunk
        if len(body) > MAX_RESPONSE_BYTES:
            raise CatalogueError("too long")
        if time.monotonic() > deadline:
            raise CatalogueError("too slow")
    return body


def _resolve_redirect(url: str, location: str) -> str:
    """Raise CatalogueError if the redirect leaves the origin, and ValueError if it is not a URL.

    From http to https of the same host and port counts as the same origin.
    """
    source, target = urlsplit(url), urlsplit(urljoin(url, location))
    if target.netloc != source.netloc or target.scheme not in (source.scheme, "https"):
        raise CatalogueError("redirected elsewhere")
    return target.geturl()


class _TrackedConnection(HTTPConnection):
    """Remembers all open connections. urllib3 loses sight of a connection while a caller uses it."""

    all_open: ClassVar[set[HTTPConnection]] = set()

    def connect(self) -> None:
        super().connect()
        self.all_open.add(self)

    def close(self) -> None:
        self.all_open.discard(self)
        super().close()


class _TrackedSecureConnection(_TrackedConnection, HTTPSConnection):
    pass


class _TrackedPool(HTTPConnectionPool):
    ConnectionCls = _TrackedConnection


class _TrackedSecurePool(HTTPSConnectionPool):
    ConnectionCls = _TrackedSecureConnection


class _PooledAdapter(HTTPAdapter):
    """Uses pools of tracked connections, and one TLS context for all of them."""

    def __init__(self, connections: int) -> None:
        self.trust = ssl.create_default_context(cafile=certifi.where())
        super().__init__(pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self.trust, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _TrackedPool, "https": _TrackedSecurePool}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Do nothing, because the shared context verifies.

        requests would load 130 authorities for each connection: 15 ms of CPU. A batch with new items opens
        up to CATALOGUE_CONNECTIONS of them.
        """
