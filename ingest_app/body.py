"""The bytes of a request, if they are of a kind and a size that we take."""

from typing import IO

from werkzeug.wrappers import Request

from ingest_app.refusals import Refusal

MAX_BODY_BYTES = 256 * 1024
"""Whatever it holds, its record fits Firehose's 1,000 KiB: tests/ingest_app/test_envelope.py has the sum."""

MEDIA_TYPES = frozenset(["application/json", "text/plain", "application/octet-stream", ""])
"""What the Content-Type may say, or not say; it is JSON in UTF-8 in each case. A beacon sends text/plain so
that the browser asks for no preflight."""


def read_body(request: Request) -> bytes:
    """Raise Refusal: content_encoding, media_type, body_too_large, bad_request."""
    encoding = request.environ.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding not in ("", "identity"):
        raise Refusal(
            "content_encoding",
            "The body must not be compressed.",
            field="Content-Encoding",
            allowed=["identity"],
        )
    # As it stands first: to take the parameters off a type takes 6 µs.
    if request.content_type not in MEDIA_TYPES and request.mimetype not in MEDIA_TYPES:
        allowed = sorted(MEDIA_TYPES - {""})
        raise Refusal(
            "media_type",
            f"The Content-Type must be {', '.join(allowed)} or none.",
            field="Content-Type",
            allowed=allowed,
        )
    length = request.content_length
    if length is not None and length <= MAX_BODY_BYTES:
        return _read_whole(request.environ["wsgi.input"], length)
    body = b"" if length else _read_to_limit(_endless_stream(request))
    if length or len(body) > MAX_BODY_BYTES:
        raise Refusal("body_too_large", f"The body is over {MAX_BODY_BYTES} bytes.", limit=MAX_BODY_BYTES)
    return body


def _read_whole(stream: IO[bytes], length: int) -> bytes:
    """At once; Werkzeug's own way, which needs not be told the length, takes 10 µs more."""
    try:
        body = stream.read(length)
    except OSError:
        body = b""
    if len(body) < length:
        raise Refusal("bad_request", "The connection ended before the body did.", field="Content-Length")
    return body


def _endless_stream(request: Request) -> IO[bytes]:
    """A body without Content-Length: chunked, or none at all."""
    if "lambda.event" in request.environ:
        # All of it is in the event, even if a header of the client's says "chunked".
        request.environ["wsgi.input_terminated"] = True
    return request.stream


def _read_to_limit(stream: IO[bytes]) -> bytes:
    """One byte more than the limit is enough to know."""
    body = bytearray()
    try:
        while len(body) <= MAX_BODY_BYTES and (part := stream.read(MAX_BODY_BYTES + 1 - len(body))):
            body += part
    except OSError:
        raise Refusal("bad_request", "The chunks of the body are broken.") from None
    return bytes(body)
