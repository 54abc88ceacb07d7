"""The bytes of an object as a stream: decompressed, and regrouped into blocks of whole lines."""

import re
from collections.abc import Iterable, Iterator
from typing import cast

from isal import isal_zlib  # zlib's interface at twice its speed

CHUNK_BYTES = 256 * 1024  # read and decompressed at once: the memory per object, whatever its size
GZIP_MAGIC = b"\x1f\x8b"

# Where one JSON object ends and the next begins. Between values in valid JSON there would be a comma, and
# inside a string the quotation mark would be escaped. But a string may end with }{: the next byte tells.
OBJECT_BOUNDARY = b'}{"'
_BOUNDARY = re.compile(rb'\}\{"(?![,\]}:\s])')
MAX_LINE_CHUNKS = 16  # 4 MiB; Firehose takes no record of more than 1,000 KiB

_GZIP_ERROR = cast(type[Exception], isal_zlib.IsalError)  # isal's stub has no type for it


class UnreadableObjectError(Exception):
    """An object cannot be read to its end. The message says why: damaged, truncated, archived."""


class ObjectGoneError(UnreadableObjectError):
    """The object was deleted after it was listed: replayed, erased or expired."""


def decompress(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the chunks in bounded pieces, decompressed if they begin as gzip does.

    The bytes decide, not the key's suffix: error documents are plain, and a copied lake may have other names.
    Raises UnreadableObjectError if it is gzip, but damaged.
    """
    first = next(chunks, b"")
    if first.startswith(GZIP_MAGIC):
        try:
            yield from _gunzip(first, chunks)
        except _GZIP_ERROR as error:
            raise UnreadableObjectError(f"its gzip data is damaged: {error}") from error
    else:
        yield first
        yield from chunks


def _gunzip(data: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress every member: a gzip file may hold several."""
    member = isal_zlib.decompressobj(wbits=31)
    while True:
        piece = member.decompress(data, CHUNK_BYTES)
        if piece:
            yield piece
        data = member.unconsumed_tail
        if member.eof:
            data = member.unused_data or next(chunks, b"")
            if not data:
                return
            member = isal_zlib.decompressobj(wbits=31)
        elif not data:
            data = next(chunks, b"")
            if not data:
                raise UnreadableObjectError("it ends inside its gzip data")


def whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Regroup chunks into blocks that end with a newline; the last block ends where the object ends.

    An object of legacy clicks may hold no newline at all: it is cut where one click ends and the next begins.
    """
    pending: list[bytes] = []
    for chunk in chunks:
        head, newline, tail = chunk.rpartition(b"\n")
        if newline:
            yield b"".join((*pending, head, newline))
            pending = [tail]
        else:
            pending.append(chunk)
        if len(pending) > MAX_LINE_CHUNKS:
            joined = b"".join(pending)
            boundaries = [found.start() for found in _BOUNDARY.finditer(joined)]
            end = boundaries[-1] + 1 if boundaries else 0
            if end:
                yield joined[:end]
            pending = [joined[end:]]
    rest = b"".join(pending)
    if rest:
        yield rest
