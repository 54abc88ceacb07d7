"""Find a text in stored bytes, however JSON, a URL or a different case writes it."""

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

import msgspec

from clicklake.lake.json_lines import NotJsonError, decode_json

_VALUES = msgspec.json.Decoder()


class Needles:
    """Texts to look for, as whole words and in any case: `u-17` is in `user/U-17.html`, not in `u-170`."""

    def __init__(self, texts: Iterable[str]) -> None:
        found = {spelling.encode() for text in texts for spelling in spellings(text)}
        words = b"|".join(re.escape(spelling) for spelling in sorted(found))
        # A word may follow a percent-encoded character, as in %2Fu-17.
        start = rb"(?:(?<![0-9A-Za-z])|(?<=%[0-9A-Fa-f]{2}))"
        whole_word = start + rb"(?:" + words + rb")(?![0-9A-Za-z])"
        self._pattern = re.compile(whole_word, re.IGNORECASE) if found else None

    def found_in(self, data: bytes) -> bool:
        if self._pattern is None:
            return False
        return bool(self._pattern.search(data) or (b"\\" in data and self._pattern.search(_unescaped(data))))


def spellings(text: str) -> set[str]:
    """Return the text as stored bytes may spell it; the pattern itself ignores the case of ASCII."""
    cases = {text, text.lower(), text.upper(), text.casefold()}
    escaped = {
        json.dumps(case, ensure_ascii=ascii_only)[1:-1] for case in cases for ascii_only in (True, False)
    }
    encoded = {encode(case, safe="") for case in cases for encode in (quote, quote_plus)}
    return {spelling for spelling in cases | escaped | encoded if _is_encodable(spelling)}


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which no stored text holds
        return False
    return bool(text)


def _unescaped(data: bytes) -> bytes:
    r"""Return JSON lines with every \u escape resolved, because a stranger may escape any character."""
    lines = []
    for line in data.split(b"\n"):
        try:
            value = decode_json(_VALUES, line)
            lines.append(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
        except NotJsonError:
            continue
    return b"\n".join(lines)
