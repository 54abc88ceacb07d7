"""The bytes of an object as a stream: decompressed, and regrouped into blocks of whole lines."""

from collections.abc import Iterable, Iterator
from typing import cast

from isal import isal_zlib  # zlib's interface at twice its speed

CHUNK_BYTES = 256 * 1024  # read and decompressed at once: the memory per object, whatever its size
GZIP_MAGIC = b"\x1f\x8b"

# Where one JSON object ends and the next begins. Valid JSON has these bytes nowhere else: between values
# there would be a comma, and inside a string the quotation mark would be escaped.
OBJECT_BOUNDARY = b'}{"'
MAX_LINE_CHUNKS = 16  # 4 MiB; Firehose takes no record of more than 1,000 KiB

# What decompressing an object raises if it begins as gzip and is damaged (isal's stub has no type for its
# error).
CORRUPT_OBJECT_ERRORS: tuple[type[Exception], ...] = (cast(type[Exception], isal_zlib.IsalError), EOFError)


def decompress(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the chunks in bounded pieces, decompressed if they begin as gzip does.

    The bytes decide, not the key's suffix: error documents are plain, and a copied lake may have other names.
    Raises CORRUPT_OBJECT_ERRORS.
    """
    first = next(chunks, b"")
    if first.startswith(GZIP_MAGIC):
        yield from _gunzip(first, chunks)
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
                raise EOFError("the object ends inside its gzip data")


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
            head, boundary, tail = b"".join(pending).rpartition(OBJECT_BOUNDARY)
            if boundary:
                yield head + OBJECT_BOUNDARY[:1]
            pending = [OBJECT_BOUNDARY[1:] + tail if boundary else tail]
    rest = b"".join(pending)
    if rest:
        yield rest
