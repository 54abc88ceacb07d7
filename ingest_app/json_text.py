"""Strict JSON (RFC 8259) that says where it broke. Slow: for bodies that the good path has refused already.

What RFC 8259 forbids is `not_json`. Three things that it allows are refused too, because readers disagree on
them: lone surrogates, numbers beyond a double, and nesting over 32 deep. Of a name that stands twice in one
object the last counts, as in every browser.
"""

import json
import math
import re
from typing import Any, NoReturn

from ingest_app.refusals import Refusal

MAX_DEPTH = 32
UTF8_BOM = b"\xef\xbb\xbf"

# Possessive throughout: linear in any input.
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
        raise Refusal(
            "not_json",
            f"The body is not UTF-8 at byte {start + error.start}.",
            at={"offset": start + error.start},
        ) from None
    if not text.strip(" \t\r\n"):
        raise Refusal("empty", "The body is empty: at least one click is needed.")
    _check_tokens(text, start)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        _refuse("not_json", f"The body is not JSON: {error.msg.rstrip(' :')}", text, error.pos, start)


def _check_tokens(text: str, start: int) -> None:
    """Find what json.loads lets through, or dies of."""
    depth = 0
    for token in _TOKEN.finditer(text):
        first = token[0][0]
        if first in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                _refuse(
                    "too_deep",
                    f"The body is nested over {MAX_DEPTH} deep",
                    text,
                    token.start(),
                    start,
                    limit=MAX_DEPTH,
                )
        elif first in "]}":
            depth -= 1
        elif first == '"':
            if len(token[0]) == 1:  # never closed: json.loads says so
                return
            _check_surrogates(text, token, start)
        elif token[0][-1] in "Ny":
            _refuse("not_json", f"The body is not JSON: {token[0]} is no number", text, token.start(), start)
        elif math.isinf(float(token[0])):
            _refuse("number_too_large", "The body has a number beyond a double", text, token.start(), start)


def _check_surrogates(text: str, token: re.Match[str], start: int) -> None:
    if "\\u" not in token[0]:
        return
    high: re.Match[str] | None = None  # a high surrogate that waits for its low one
    for escape in _ESCAPE.finditer(text, token.start(), token.end()):
        code = int(escape[1], 16) if escape[1] else 0
        follows = high is not None and high.end() == escape.start()
        if 0xDC00 <= code < 0xE000 and follows:
            high = None
            continue
        lone = high or (escape if 0xDC00 <= code < 0xE000 else None)
        if lone:
            _refuse_surrogate(text, lone.start(), start)
        high = escape if 0xD800 <= code < 0xDC00 else None
    if high:
        _refuse_surrogate(text, high.start(), start)


def _refuse_surrogate(text: str, index: int, start: int) -> NoReturn:
    _refuse("lone_surrogate", "The body has half a surrogate pair", text, index, start)


def _refuse(code: str, what: str, text: str, index: int, start: int, **members: Any) -> NoReturn:
    line = text.count("\n", 0, index) + 1
    column = index - text.rfind("\n", 0, index)
    offset = start + len(text[:index].encode())
    raise Refusal(
        code,
        f"{what}, at line {line}, column {column}.",
        at={"offset": offset, "line": line, "column": column},
        **members,
    ) from None
