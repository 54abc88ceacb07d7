"""Strict JSON (RFC 8259) that says where it broke. Slow: for bodies that the good path has refused already.

What RFC 8259 forbids is `not_json`. Three things that it allows are refused too, because readers disagree on
them: lone surrogates, numbers beyond a double, and nesting over 32 deep. Of a name that stands twice in one
object the last counts, as in every browser.
"""

import json
import math
import re
from typing import Any

from ingest_app.refusals import Refusal

MAX_DEPTH = 32
UTF8_BOM = b"\xef\xbb\xbf"

HALF_A_PAIR = "The body has half a surrogate pair"
TOO_LARGE = "The body has a number beyond a double"

# Possessive throughout, and a string that never ends is a token too (a lone quote): linear in any input.
_TOKEN = re.compile(
    r'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]|-?(?:Infinity|NaN)|-?[0-9]++(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+|"',
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|.)", re.DOTALL)


def parse_json(body: bytes) -> Any:
    """Raise Refusal: empty, not_json, too_deep, number_too_large, lone_surrogate. A UTF-8 BOM is skipped."""
    start = len(UTF8_BOM) if body.startswith(UTF8_BOM) else 0
    try:
        text = body[start:].decode()
    except UnicodeDecodeError as error:
        offset = start + error.start
        raise Refusal("not_json", f"The body is not UTF-8 at byte {offset}.", at={"offset": offset}) from None
    if not text.strip(" \t\r\n"):
        raise Refusal("empty", "The body is empty: at least one click is needed.")
    found = _look_through(text, start)
    value = None
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        what = f"The body is not JSON: {error.msg.rstrip(' :')}"
        raise _refusal("not_json", what, text, error.pos, start) from None
    except ValueError:
        pass  # an integer of more digits than Python converts: it is what was found
    if found:
        raise found
    return value


def _look_through(text: str, start: int) -> Refusal | None:
    """Find the first thing that json.loads lets through and we do not; raise for a depth that may kill it."""
    depth = 0
    found = None
    for token in _TOKEN.finditer(text):
        first = token[0][0]
        if first in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                what = f"The body is nested over {MAX_DEPTH} deep"
                raise _refusal("too_deep", what, text, token.start(), start, limit=MAX_DEPTH)
        elif first in "]}":
            depth -= 1
        elif token[0] == '"':
            break  # never closed: json.loads says so
        elif not found:
            found = _doubt(text, token, start)
    return found


def _doubt(text: str, token: re.Match[str], start: int) -> Refusal | None:
    """What is wrong with a string or a number, or with a word that JavaScript takes for one."""
    if token[0][0] == '"':
        index = _find_lone_surrogate(text, token)
        return None if index is None else _refusal("lone_surrogate", HALF_A_PAIR, text, index, start)
    if token[0][-1] in "Ny":
        what = f"The body is not JSON: {token[0]} is no number"
        return _refusal("not_json", what, text, token.start(), start)
    if math.isinf(float(token[0])):
        return _refusal("number_too_large", TOO_LARGE, text, token.start(), start)
    return None


def _find_lone_surrogate(text: str, token: re.Match[str]) -> int | None:
    if "\\u" not in token[0]:
        return None
    high: re.Match[str] | None = None  # a high surrogate that waits for its low one
    for escape in _ESCAPE.finditer(text, token.start(), token.end()):
        code = int(escape[1], 16) if escape[1] else 0
        is_low = 0xDC00 <= code < 0xE000
        if is_low and high and high.end() == escape.start():
            high = None
            continue
        if high or is_low:
            return (high or escape).start()
        high = escape if 0xD800 <= code < 0xDC00 else None
    return high.start() if high else None


def _refusal(code: str, what: str, text: str, index: int, start: int, **members: Any) -> Refusal:
    line = text.count("\n", 0, index) + 1
    column = index - text.rfind("\n", 0, index)
    at = {"offset": start + len(text[:index].encode()), "line": line, "column": column}
    return Refusal(code, f"{what}, at line {line}, column {column}.", at=at, **members)
