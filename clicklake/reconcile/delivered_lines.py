"""Which lines of clicks/ count as delivered: exactly those that a query counts.

The processor writes plain lines, which msgspec reads fast. Anything else that lies in clicks/ is read one
line at a time, by the rules of the JSON reader that answers the queries (DuckDB's): the first of two equal
keys wins, a number as eventId is its text, and a line with invalid UTF-8, a control character or a lone
surrogate is no line.
"""

import json
import re
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from clicklake.lake.object_stream import OBJECT_BOUNDARY

UTF8_BOM = b"\xef\xbb\xbf"

_EVENT_ID_KEY = b'"eventId":'
_CONTROL_CHARACTER = re.compile(rb"[\x00-\x09\x0b-\x1f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class DeliveredIds(NamedTuple):
    event_ids: list[str]
    legacy: int  # lines of legacy clicks, which have no version
    malformed: int  # lines without an event id, which no query counts


class PlainLine(Struct, rename="camel", gc=False):
    """The fields of a line that are needed to count it."""

    event_id: str
    v: Any = None


_LINES = msgspec.json.Decoder(PlainLine)


def delivered_ids(block: bytes) -> DeliveredIds:
    """Read a block of whole lines."""
    if _looks_plain(block):
        try:
            lines = _LINES.decode_lines(block)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            lines = []
        if lines and len(lines) == block.count(_EVENT_ID_KEY):
            legacy = sum(line.v is None for line in lines)
            return DeliveredIds([line.event_id for line in lines], legacy, 0)
    return _read_each(block)


def _looks_plain(block: bytes) -> bool:
    if any(odd in block for odd in (b"\\ud", b"\\uD", OBJECT_BOUNDARY)) or _CONTROL_CHARACTER.search(block):
        return False
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def _read_each(block: bytes) -> DeliveredIds:
    event_ids, legacy, malformed = list[str](), 0, 0
    for line in block.split(b"\n"):
        if not line.strip():
            continue
        fields = _fields_of(line)
        event_id = fields.get("eventId")
        if event_id is None:
            malformed += 1
        else:
            event_ids.append(_text_of(event_id))
            legacy += fields.get("v") is None
    return DeliveredIds(event_ids, legacy, malformed)


def _fields_of(line: bytes) -> dict[str, Any]:
    """Return the line's fields; none for a line that is not a JSON object."""
    try:
        value = json.loads(line.decode(), object_pairs_hook=_first_wins)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(value, dict) or _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        return {}
    return value


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    return fields


def _text_of(event_id: Any) -> str:
    """Return the text that a column of text has for the value."""
    return event_id if isinstance(event_id, str) else json.dumps(event_id, separators=(",", ":"))
