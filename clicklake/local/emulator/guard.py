"""The guard in front of MiniStack: which requests reach it.

MiniStack alone takes an empty key, the key `test` and any twelve digits for the root user, without checking a
signature, and answers pages of any site. Functions run with the rights of the person who started it. So the
guard passes on only requests to this machine's own names that are signed with a valid key, and these
unsigned ones: API calls, viewers of a distribution, reads of S3 objects, which a bucket policy has to allow,
and downloads of a function's code, which `deploy --plan` compares. Administrative requests are closed, and
so are web sockets.
"""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs, quote

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Reply = tuple[int, dict[str, str], bytes]

OWN_NAMES = ("127.0.0.1", "localhost", "[::1]")
PUBLIC_API = "/_aws/execute-api/"
ADMINISTRATION = ("/_ministack/", "/_localstack/")
HEALTH = "/_ministack/health"
FUNCTION_CODE = "/_ministack/lambda-code/"  # named by GetFunction, with a signature that never changes
READS = ("GET", "HEAD")

_REFUSED_KEY = re.compile(r"|test|\d{12}", re.ASCII)  # what MiniStack takes for the root user
_CREDENTIAL_PARAMETERS = ("x-amz-credential", "awsaccesskeyid")
_SIGNATURE_PARAMETERS = (*_CREDENTIAL_PARAMETERS, "x-amz-algorithm", "x-amz-signature", "signature")


@dataclass(frozen=True)
class SignableRequest:
    """A request as it arrived. A header that came twice has both values, joined by a comma."""

    method: str
    path: str
    raw_path: str
    query: dict[str, list[str]]
    headers: dict[str, str]

    @property
    def is_presigned(self) -> bool:
        return "authorization" not in self.headers

    @property
    def is_version_2(self) -> bool:
        """Whether it is a presigned URL of the older kind, which boto3 and `aws s3 presign` still make."""
        return self.is_presigned and "AWSAccessKeyId" in self.query


class GuardError(Exception):
    """The request does not reach MiniStack."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class GuardedEmulator(Protocol):
    """What the guard asks MiniStack."""

    def check_signature(self, request: SignableRequest, key: str, body: bytes) -> None: ...
    def is_object_of_bucket(self, request: SignableRequest) -> bool: ...
    def is_distribution(self, host: str) -> bool: ...
    def reply_to_refused(self, request: SignableRequest, error: GuardError) -> Reply: ...


def is_refused_key(key: str) -> bool:
    """Return whether MiniStack takes this key for the root user, whoever sends it."""
    return _REFUSED_KEY.fullmatch(key) is not None


class Guard:
    """An ASGI application that passes admitted requests on to another one."""

    def __init__(self, app: Any, emulator: GuardedEmulator) -> None:
        self._app, self._emulator = app, emulator

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] == "http":
            request = _request_of(scope)
            try:
                if key := self._admit(request):
                    body = await _read_body(receive)
                    self._emulator.check_signature(request, key, body)
                    receive = _replay(body, receive)
            except GuardError as error:
                await _reply(send, self._emulator.reply_to_refused(request, error))
                return
        await self._app(scope, receive, send)

    def _admit(self, request: SignableRequest) -> str:
        """Return the key whose signature must be checked, or "" for an unsigned request that may pass."""
        host = request.headers.get("host", "")
        is_viewer = self._emulator.is_distribution(host)
        if not is_viewer and not _is_own_name(host):
            raise GuardError(421, "MisdirectedRequest", f"Host must be one of {', '.join(OWN_NAMES)}")
        if request.path == HEALTH and request.method in READS:
            return ""
        if request.path.startswith(FUNCTION_CODE) and request.method == "GET":
            _check_origin(request.headers.get("origin"), host)
            return ""
        if request.path.startswith(ADMINISTRATION):
            raise GuardError(403, "AccessDenied", "administrative requests are closed")
        is_public_api = not is_viewer and request.path.startswith(PUBLIC_API)
        if not is_viewer and not is_public_api:
            _check_origin(request.headers.get("origin"), host)
        if key := _claimed_key(request):
            return key
        if is_public_api or (request.method in READS and is_viewer):
            return ""
        if request.method in READS and self._emulator.is_object_of_bucket(request):
            return ""
        raise GuardError(403, "MissingAuthenticationToken", "the request is not signed")


def _request_of(scope: Message) -> SignableRequest:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope.get("headers", []):
        name, value = raw_name.decode("latin-1").lower(), _decode(raw_value)
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    raw_path = scope.get("raw_path") or quote(scope["path"]).encode()
    query = parse_qs(scope.get("query_string", b"").decode("utf-8", "replace"), keep_blank_values=True)
    return SignableRequest(scope["method"], scope["path"], raw_path.decode("latin-1"), query, headers)


def _decode(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _is_own_name(host: str) -> bool:
    return re.sub(r":\d+$", "", host) in OWN_NAMES


def _check_origin(origin: str | None, host: str) -> None:
    """Raise GuardError for a page that this server has not served."""
    if origin is not None and origin != f"http://{host}":
        raise GuardError(403, "AccessDenied", "a page of another origin may not do this")


def _claimed_key(request: SignableRequest) -> str:
    """Return the key id that the request is signed with, or "" if it is not signed.

    Raises GuardError unless there is exactly one credential, and it is not one that MiniStack trusts blindly.
    """
    header = request.headers.get("authorization")
    parameters = [
        (name, value)
        for name, values in request.query.items()
        if name.lower() in _SIGNATURE_PARAMETERS
        for value in values
    ]
    credentials = [value for name, value in parameters if name.lower() in _CREDENTIAL_PARAMETERS]
    if header is None and not parameters:
        return ""
    if header is not None:
        credentials += re.findall(r"Credential=([^,\s]*)", header)
        is_known = header.startswith("AWS4-HMAC-SHA256 ")
    else:
        is_known = request.is_version_2 or ("X-Amz-Algorithm", "AWS4-HMAC-SHA256") in parameters
    if len(credentials) == 1 and is_refused_key(key := credentials[0].partition("/")[0]):
        message = f"the key {key!r} is refused: use the keys that `clicklake env` prints"
        raise GuardError(403, "InvalidClientTokenId", message)
    if len(credentials) != 1 or not is_known:
        message = "the request needs exactly one signature: AWS4-HMAC-SHA256, or a presigned URL"
        raise GuardError(403, "IncompleteSignature", message)
    return key


async def _read_body(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        if message["type"] != "http.request":  # the client has left
            raise GuardError(400, "IncompleteBody", "the body ended early")
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body once more."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


async def _reply(send: Send, reply: Reply) -> None:
    status, headers, body = reply
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    encoded.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


def json_reply(error: GuardError) -> Reply:
    document = {"__type": error.code, "message": error.message}
    return error.status, {"Content-Type": "application/json"}, json.dumps(document).encode()
