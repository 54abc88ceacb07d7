"""Read the body of a request, if its type and its size are allowed."""

from typing import IO

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request

from ingest_app.problems import ApiProblem

MAX_BODY_BYTES = 256 * 1024
"""The record always fits into Firehose's 1,000 KiB. tests/ingest_app/test_envelope.py does the sum."""

MEDIA_TYPES = frozenset(["application/json", "text/plain", "application/octet-stream", ""])
"""Allowed Content-Types; "" is a missing one. The body is UTF-8 JSON with each of them.

A beacon sends text/plain, because then the browser sends no preflight request.
"""


def read_body(request: Request) -> bytes:
    """Raise ApiProblem: content_encoding, media_type, body_too_large or bad_request."""
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise ApiProblem(
            "content_encoding",
            "Send the body without compression.",
            field="Content-Encoding",
            allowed=["identity"],
        )
    if request.mimetype not in MEDIA_TYPES:
        allowed = sorted(MEDIA_TYPES - {""})
        raise ApiProblem(
            "media_type",
            f"The Content-Type must be {', '.join(allowed)} or absent.",
            field="Content-Type",
            allowed=allowed,
        )
    if "lambda.event" in request.environ:
        # The event holds the whole body, even if a header of the client claims that it is chunked.
        request.environ["wsgi.input_terminated"] = True
    length = request.content_length or 0  # 0 for a chunked body too
    body = _read_to_limit(request.stream) if length <= MAX_BODY_BYTES else b""
    if max(length, len(body)) > MAX_BODY_BYTES:
        raise ApiProblem(
            "body_too_large", f"The body is larger than {MAX_BODY_BYTES} bytes.", limit=MAX_BODY_BYTES
        )
    if len(body) < length:
        raise ApiProblem(
            "bad_request", "The body is shorter than its Content-Length.", field="Content-Length"
        )
    return body


def _read_to_limit(stream: IO[bytes]) -> bytes:
    """Read at most one byte more than the limit: enough to know that a body is too large."""
    parts: list[bytes] = []
    missing = MAX_BODY_BYTES + 1
    try:
        while missing and (part := stream.read(missing)):
            parts.append(part)
            missing -= len(part)
    except ClientDisconnected:
        pass  # read_body compares the length
    except OSError:
        raise ApiProblem("bad_request", "The chunked body is malformed.") from None
    return b"".join(parts)
