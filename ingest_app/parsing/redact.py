"""Redact path segments of URLs that are secrets or name a person (REDACT_PATHS).

A redacted segment becomes `~`, so a redacted URL is never longer, and the pages behind it still count as one.
Every rule takes linear time.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

MARK = "~"
MIN_TOKEN_CHARACTERS = 20
"""Shorter than the 22 characters of 128 random bits in base64url."""

MAX_SECRETS = 2
MAX_CANDIDATES = 6
MAX_JUDGED_CHARACTERS = 64
"""Limits of what one path may cost."""

# A segment with an @ behind its first character, and a dot and a letter behind the @.
_MAIL = re.compile(
    r"(?<![^/])(?!@|%40)[^/@%]*+(?:%(?!40)[^/@%]*+)*+(?:@|%40)"
    r"[^/.]*+(?:\.(?![A-Za-z])[^/.]*+)*+\.[A-Za-z][^/]*+"
)
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_RUN = re.compile(rf"(?<![\w.~%-])[\w.~%-]{{{MIN_TOKEN_CHARACTERS},}}+", re.ASCII)
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_ESCAPED_LETTER = re.compile(r"%[89A-Fa-f]")  # of UTF-8 beyond ASCII: words of other languages
_RANDOM_PART = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{11,}+")
CHARACTERS_PER_CHUNK = 3.5
# What people write: words, capitalized words, abbreviations and numbers.
_CHUNK_OF_TEXT = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")

TOKENS = "tokens"
MAILS = "mails"


class RedactionRules(NamedTuple):
    """What REDACT_PATHS says."""

    tokens: bool = True
    mails: bool = True
    paths: tuple[tuple[str, ...], ...] = ()
    """The segments of each path pattern. `*` stands for the segment that is redacted."""


DEFAULT_REDACTION = RedactionRules()
NO_REDACTION = RedactionRules(tokens=False, mails=False)


def redact_path(url: str, rules: RedactionRules, item_id: str | None = None) -> str:
    """Redact the path of an absolute or relative URL without fragment and userinfo.

    The click's own item id is kept, and so are UUIDs: they are what many sites call an item.
    """
    if len(url) < MIN_TOKEN_CHARACTERS and "@" not in url and "%40" not in url and not rules.paths:
        return url
    base, mark, query = url.partition("?")
    start = _start_of_path(base)
    path = base[start:]
    if rules.tokens and len(path) >= MIN_TOKEN_CHARACTERS:
        path = _redact(path, _RUN, lambda run: is_token(run) and not (item_id and run in item_id))
    if rules.mails and ("@" in path or "%40" in path):
        path = _redact(path, _MAIL, lambda mail: mail != item_id)
    if rules.paths:
        path = _redact_patterns(path, rules.paths)
    return f"{base[:start]}{path}{mark}{query}"


def _start_of_path(base: str) -> int:
    """Return where the path starts: behind the authority, or at the start of a relative URL."""
    slashes = base.find("//")
    if slashes < 0 or "/" in base[:slashes]:
        return 0
    path = base.find("/", slashes + 2)
    return len(base) if path < 0 else path


def _redact(path: str, candidates: re.Pattern[str], is_secret: Callable[[str], bool]) -> str:
    """Redact the candidates that are secret. Behind two secrets or six candidates, redact all of the path."""
    kept: list[str] = []
    end = secrets = 0
    for number, found in enumerate(candidates.finditer(path), 1):
        if secrets == MAX_SECRETS or number > MAX_CANDIDATES:
            return f"{''.join(kept)}{path[end : found.start()]}{MARK}"
        if is_secret(found[0]):
            kept += [path[end : found.start()], MARK]
            end = found.end()
            secrets += 1
    return f"{''.join(kept)}{path[end:]}" if secrets else path


def is_token(text: str) -> bool:
    """True for random text: hexadecimal, base64url, a JSON Web Token.

    Random text changes between letters and digits, and between upper and lower case, every two characters.
    Words, names of products and dates do so less often.
    """
    if "%" in text:
        if _ESCAPED_LETTER.search(text):
            return False
        text = _ESCAPE.sub("", text)
    for part in _RANDOM_PART.findall(text):
        if _is_random(part):
            return not _UUID.fullmatch(text)
    return False


def _is_random(part: str) -> bool:
    part = part[:MAX_JUDGED_CHARACTERS]
    chunks = len(_CHUNK_OF_TEXT.findall(part))
    return len(part) < CHARACTERS_PER_CHUNK * chunks and not part.isalpha()


def _redact_patterns(path: str, patterns: tuple[tuple[str, ...], ...]) -> str:
    segments = path.split("/")
    for index in {index for pattern in patterns for index in _matched(segments, pattern)}:
        segments[index] = MARK
    return "/".join(segments)


def _matched(segments: list[str], pattern: tuple[str, ...]) -> list[int]:
    """Return which segments the stars of a pattern stand for. A pattern matches the start of a path."""
    path = segments[1:] if segments[0] == "" else segments
    if len(path) < len(pattern):
        return []
    for wanted, segment in zip(pattern, path, strict=False):
        if wanted not in ("*", segment):
            return []
    shift = len(segments) - len(path)
    return [shift + index for index, wanted in enumerate(pattern) if wanted == "*" and path[index]]
