"""Strict JSON (RFC 8259) that says where it breaks. Only lenient.py uses it.

JSON that RFC 8259 forbids is `not_json`. Three things that it allows are refused too, because JSON parsers
disagree about them: lone surrogates, numbers that a double cannot hold, and nesting deeper than 32 levels.
If a name occurs twice in one object, the last value wins, as in every browser.

Any body of 256 KiB must be cheap (benchmarks/worst_case.py). So msgspec checks the syntax without making
objects of what the caller may never look at, and the other checks work on whole bodies, not on tokens. A
position is looked for only after a check has failed.
"""

import json
import math
import re
from typing import Any, NoReturn

import msgspec
from msgspec import Raw

from ingest_app.problems import ApiProblem

MAX_DEPTH = 32
UTF8_BOM = b"\xef\xbb\xbf"

Members = list[Raw] | dict[str, Raw] | None
"""The elements of an array, or the members of an object, not yet parsed. None is any other JSON value."""

_decoder = msgspec.json.Decoder(list[Raw] | dict[str, Raw] | str | int | float | bool | None)

# Brackets as parentheses, and everything else deleted.
_PARENTHESES = bytes.maketrans(b"[{]}", b"(())")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_CHUNK = 8

# Digits as zeros, so that one search finds any exponent of three digits or any integer of 309.
_DIGITS = bytes.maketrans(b"123456789E", b"000000000e")
_LONG_EXPONENT = b"e000"
_LONG_INTEGER = b"0" * 200

_STRING = r'"(?:[^"\\]++|\\.)*+"'
_WORD = re.compile(rf'(?:[^"NI-]++|{_STRING}|-(?!Infinity))*+(-?Infinity|NaN)', re.DOTALL)
_NUMBER = r"[0-9]++(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
# A number that a double certainly holds: one digit with an exponent below 308, or 200 with one below 100.
_SMALL_NUMBER = (
    r"(?:[0-9](?:\.[0-9]++)?+[eE]\+?(?:[12][0-9]{2}|30[0-7])"
    r"|[0-9]{1,200}+(?:\.[0-9]++)?+(?:[eE](?:-[0-9]++|\+?[0-9]{1,2}+))?+)(?![0-9.eE])"
)
_LARGE_NUMBERS = re.compile(rf"(?:[^0-9]++|{_SMALL_NUMBER})*+(?:({_NUMBER})|\Z)".encode())
# Everything up to the first half of a surrogate pair.
_UP_TO_LONE_SURROGATE = re.compile(
    r"(?:[^\\]++|\\(?:[^u]|u(?![dD][89a-fA-F])|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))*+",
    re.DOTALL,
)


def parse_json(body: bytes) -> Members:
    """Skip a UTF-8 byte order mark, then parse.

    Raise ApiProblem: empty, not_json, too_deep, number_too_large or lone_surrogate.
    """
    start = len(UTF8_BOM) if body.startswith(UTF8_BOM) else 0
    body = body[start:]
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        offset = start + error.start
        detail = f"The body is not UTF-8: byte {offset} is invalid."
        raise ApiProblem("not_json", detail, at={"offset": offset}) from None
    if not text.strip(" \t\r\n"):
        raise ApiProblem("empty", "The body is empty. Send at least one click.")
    outside = _outside_strings(body)
    if number := _first_bracket_too_deep(outside):
        what = f"The body is nested deeper than {MAX_DEPTH} levels"
        position = _position_of_bracket(text, number)
        raise _problem("too_deep", what, text, position, start, limit=MAX_DEPTH)
    value: Any = None
    try:
        value = _decoder.decode(body)
    except msgspec.ValidationError:
        pass  # the body is one number, too large for msgspec
    except (msgspec.DecodeError, UnicodeDecodeError):
        _raise_malformed(text, start)
    if _may_be_too_large(outside) and (index := _position_of_large_number(text, outside)) is not None:
        what = "The body has a number that a double cannot hold"
        raise _problem("number_too_large", what, text, index, start)
    return value if isinstance(value, list | dict) else None


def _outside_strings(body: bytes) -> bytes:
    """Remove every string. A string that never ends goes up to the end."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(body.split(b'"')[::2])


def _first_bracket_too_deep(outside: bytes) -> int:
    """Return the number of the first bracket, from 1, that opens a level too many. 0 if there is none."""
    brackets = outside.translate(_PARENTHESES, _NO_BRACKETS)
    depth = 0
    for at in range(0, len(brackets), _CHUNK):
        rise, change = _depths(brackets[at : at + _CHUNK])
        if depth + rise > MAX_DEPTH:
            return at + 1 + _index_of_depth(brackets[at : at + _CHUNK], MAX_DEPTH + 1 - depth)
        depth += change
    return 0


_depths_of_chunks: dict[bytes, tuple[int, int]] = {}


def _depths(chunk: bytes) -> tuple[int, int]:
    """Return how deep a chunk of parentheses gets, and how much deeper its end is than its start."""
    if chunk not in _depths_of_chunks:  # there are 510 possible chunks
        levels = [chunk.count(b"(", 0, end) - chunk.count(b")", 0, end) for end in range(1, len(chunk) + 1)]
        _depths_of_chunks[chunk] = (max(levels), levels[-1])
    return _depths_of_chunks[chunk]


def _index_of_depth(chunk: bytes, depth: int) -> int:
    """Return the index of the parenthesis that reaches the depth, counted from the start of the chunk."""
    return next(index for index in range(_CHUNK) if _depths(chunk[: index + 1])[0] == depth)


def _position_of_bracket(text: str, number: int) -> int:
    """Return the position of a bracket that stands outside strings. The first has the number 1."""
    brackets = re.compile(rf'(?:(?:[^"\[\]{{}}]++|{_STRING})*+[\[\]{{}}]){{{number}}}', re.DOTALL)
    found = brackets.match(text)
    assert found
    return found.end() - 1


def _may_be_too_large(outside: bytes) -> bool:
    """Return False if every number is certainly small enough."""
    masked = outside.translate(_DIGITS, b"+")
    return _LONG_EXPONENT in masked or _LONG_INTEGER in masked


def _position_of_large_number(text: str, outside: bytes) -> int | None:
    numbers = list(filter(None, _LARGE_NUMBERS.findall(outside)))
    if math.isfinite(max(map(float, numbers), default=0)):
        return None
    first = re.escape(next(number for number in numbers if math.isinf(float(number))).decode())
    found = re.match(
        rf'(?:[^"0-9]++|{_STRING}|(?!{first}(?![0-9.eE])){_NUMBER})*+', text, re.DOTALL
    )  # up to that number
    assert found
    return found.end() - text.startswith("-", found.end() - 1)


def _raise_malformed(text: str, start: int) -> NoReturn:
    """Raise not_json or lone_surrogate. msgspec has found one of them; json.loads names the position."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        what = f"The body is not JSON: {error.msg.rstrip(' :')}"
        raise _problem("not_json", what, text, error.pos, start) from None
    except ValueError:
        pass  # an integer with more digits than Python converts
    if word := _WORD.match(text):
        what = f"The body is not JSON: {word[1]} is not a JSON number"
        raise _problem("not_json", what, text, word.start(1), start)
    found = _UP_TO_LONE_SURROGATE.match(text)
    assert found
    raise _problem("lone_surrogate", "The body has half a surrogate pair", text, found.end(), start)


def _problem(code: str, what: str, text: str, index: int, start: int, **members: Any) -> ApiProblem:
    """`index` counts characters of `text`, which starts at byte `start` of the body."""
    line = text.count("\n", 0, index) + 1
    column = index - text.rfind("\n", 0, index)
    at = {"offset": start + len(text[:index].encode()), "line": line, "column": column}
    return ApiProblem(code, f"{what}, at line {line}, column {column}.", at=at, **members)
