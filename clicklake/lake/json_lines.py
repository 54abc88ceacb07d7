"""JSON lines that may hold anything: one way to decode them, with one error."""

from typing import TypeVar

import msgspec

T = TypeVar("T")


class NotJsonError(ValueError):
    """The bytes are not the JSON that was expected there."""


def decode_json(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """Decode one value. Raises NotJsonError, also for invalid UTF-8 and for values nested too deeply."""
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotJsonError(str(error)) from None


def decode_block(decoder: msgspec.json.Decoder[T], block: bytes) -> tuple[list[T], list[bytes]]:
    """Return the values of a block of lines, and the lines that are not such values."""
    try:
        return decoder.decode_lines(block), []  # three times as fast as line by line
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        values, rejected = list[T](), []
    for line in filter(None, block.split(b"\n")):
        try:
            values.append(decode_json(decoder, line))
        except NotJsonError:
            rejected.append(line)
    return values, rejected
