"""A strict JSON parser (RFC 8259) that says where the JSON breaks. It is slow: only lenient.py uses it.

JSON that RFC 8259 forbids is `not_json`. Three things that it allows are refused too, because JSON parsers
disagree about them: lone surrogates, numbers that a double cannot hold, and nesting deeper than 32 levels.
If a name occurs twice in one object, the last value wins, as in every browser.
"""

import json
import math
import re
from typing import Any

from ingest_app.problems import ApiProblem

MAX_DEPTH = 32
UTF8_BOM = b"\xef\xbb\xbf"

LONE_SURROGATE = "The body has half a surrogate pair"
NUMBER_TOO_LARGE = "The body has a number that a double cannot hold"

# Linear time for any input: every part is possessive, and the quote of an endless string is a token.
_TOKEN = re.compile(
    r'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]|-?(?:Infinity|NaN)|-?[0-9]++(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+|"',
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|.)", re.DOTALL)


def parse_json(body: bytes) -> Any:
    """Skip a UTF-8 byte order mark, then parse.

    Raise ApiProblem: empty, not_json, too_deep, number_too_large or lone_surrogate.
    """
    start = len(UTF8_BOM) if body.startswith(UTF8_BOM) else 0
    try:
        text = body[start:].decode()
    except UnicodeDecodeError as error:
        offset = start + error.start
        detail = f"The body is not UTF-8: byte {offset} is invalid."
        raise ApiProblem("not_json", detail, at={"offset": offset}) from None
    if not text.strip(" \t\r\n"):
        raise ApiProblem("empty", "The body is empty. Send at least one click.")
    problem = _scan(text, start)
    value = None
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        what = f"The body is not JSON: {error.msg.rstrip(' :')}"
        raise _problem("not_json", what, text, error.pos, start) from None
    except ValueError:
        pass  # an integer with more digits than Python converts; _scan has found it
    if problem:
        raise problem
    return value


def _scan(text: str, start: int) -> ApiProblem | None:
    """Return the first problem that json.loads does not see.

    Raise too_deep at once, because json.loads might exhaust the stack.
    """
    depth = 0
    problem = None
    for token in _TOKEN.finditer(text):
        first = token[0][0]
        if first in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                what = f"The body is nested deeper than {MAX_DEPTH} levels"
                raise _problem("too_deep", what, text, token.start(), start, limit=MAX_DEPTH)
        elif first in "]}":
            depth -= 1
        elif token[0] == '"':
            break  # the string never ends, which json.loads reports
        elif not problem:
            problem = _check_token(text, token, start)
    return problem


def _check_token(text: str, token: re.Match[str], start: int) -> ApiProblem | None:
    """Check a string, a number, or a word that only JavaScript takes for a number."""
    if token[0][0] == '"':
        index = _find_lone_surrogate(text, token)
        return None if index is None else _problem("lone_surrogate", LONE_SURROGATE, text, index, start)
    if token[0][-1] in "Ny":
        what = f"The body is not JSON: {token[0]} is not a JSON number"
        return _problem("not_json", what, text, token.start(), start)
    if math.isinf(float(token[0])):
        return _problem("number_too_large", NUMBER_TOO_LARGE, text, token.start(), start)
    return None


def _find_lone_surrogate(text: str, token: re.Match[str]) -> int | None:
    if "\\u" not in token[0]:
        return None
    high: re.Match[str] | None = None  # a high surrogate whose low surrogate must come next
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


def _problem(code: str, what: str, text: str, index: int, start: int, **members: Any) -> ApiProblem:
    """`index` counts characters of `text`, which starts at byte `start` of the body."""
    line = text.count("\n", 0, index) + 1
    column = index - text.rfind("\n", 0, index)
    at = {"offset": start + len(text[:index].encode()), "line": line, "column": column}
    return ApiProblem(code, f"{what}, at line {line}, column {column}.", at=at, **members)
