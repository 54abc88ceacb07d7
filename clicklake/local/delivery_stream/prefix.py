"""Firehose's prefix language: turn `clicks/dt=!{timestamp:yyyy-MM-dd}/` into the start of a key.

Rules and examples: https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
"""

import re
import secrets
import string
from datetime import datetime

MAX_EVALUATED_CHARACTERS = 512  # "semantic rules" of the page above
RANDOM_STRING_CHARACTERS = 11
DEFAULT_TIMESTAMP = "!{timestamp:yyyy/MM/dd/HH/}"

_EXPRESSION = re.compile(r"!\{([^:}]*):([^}]*)\}")
_PATTERN_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_RANDOM_ALPHABET = string.ascii_lowercase + string.digits


class PrefixError(ValueError):
    """Firehose would refuse the prefix, or this module does not support it. The message names the part."""


def evaluate(prefix: str, arrived: datetime, error_output_type: str | None = None) -> str:
    """Evaluate every expression. `arrived` is the oldest record's arrival in the stream's time zone."""

    def expand(expression: re.Match[str]) -> str:
        match expression.groups():
            case ("timestamp", pattern):
                return format_java(pattern, arrived)
            case ("firehose", "random-string"):
                return "".join(secrets.choice(_RANDOM_ALPHABET) for _ in range(RANDOM_STRING_CHARACTERS))
            case ("firehose", "error-output-type") if error_output_type is not None:
                return error_output_type
        raise PrefixError(f"{expression.group()} is not an expression that this prefix may contain")

    evaluated = _EXPRESSION.sub(expand, prefix)
    if "!{" in evaluated:
        raise PrefixError(f'"!{{" begins an expression that does not end in {prefix!r}')
    if len(evaluated) > MAX_EVALUATED_CHARACTERS:
        raise PrefixError(f"an evaluated prefix must have at most {MAX_EVALUATED_CHARACTERS} characters")
    return evaluated


def with_timestamp(prefix: str) -> str:
    """Append the hour's folders to a prefix without a timestamp, as Firehose does."""
    return prefix if "!{timestamp:" in prefix else prefix + DEFAULT_TIMESTAMP


def has_expression(prefix: str) -> bool:
    return "!{" in prefix


def format_java(pattern: str, at: datetime) -> str:
    """Format a time with a pattern of Java's DateTimeFormatter, in English.

    https://docs.oracle.com/javase/8/docs/api/java/time/format/DateTimeFormatter.html
    """
    formatted, position = [], 0
    while position < len(pattern):
        token = _PATTERN_TOKEN.match(pattern, position)
        if token is None:
            raise PrefixError(f"a quotation mark is not closed in {pattern!r}")
        formatted.append(_format_token(token, at))
        position = token.end()
    return "".join(formatted)


def _format_token(token: re.Match[str], at: datetime) -> str:
    quoted, letter = token.groups()
    if quoted is not None:
        return quoted.replace("''", "'") or "'"  # two quotation marks mean one, inside quotes and outside
    if letter is not None:
        return _format_letters(letter, len(token.group()), at)
    return token.group()


def _format_letters(letter: str, count: int, at: datetime) -> str:
    match letter:
        case "y" | "u":
            return f"{at.year % 100:02}" if count == 2 else f"{at.year:0{count}}"
        case "M" | "L" if count > 2:
            return _text(_MONTHS[at.month - 1], count)
        case "E":
            return _text(_DAYS[at.weekday()], max(count, 3))
        case "a" if count == 1:
            return "AM" if at.hour < 12 else "PM"
        case "S" if count <= 9:
            return f"{at.microsecond * 1000:09}"[:count]
        case "Y":
            raise PrefixError("YYYY is Java's week-based year, which is wrong around New Year: write yyyy")
    return _format_number(letter, count, at)


def _text(name: str, count: int) -> str:
    """Java has three text widths: 3 letters mean short, 4 full, 5 narrow."""
    widths = {3: name[:3], 4: name, 5: name[:1]}
    if count not in widths:
        raise PrefixError(f"{count} letters are too many for the name of a month or a day")
    return widths[count]


def _format_number(letter: str, count: int, at: datetime) -> str:
    numbers = {
        "M": at.month,
        "L": at.month,
        "d": at.day,
        "D": at.timetuple().tm_yday,
        "H": at.hour,
        "k": at.hour or 24,
        "K": at.hour % 12,
        "h": at.hour % 12 or 12,
        "m": at.minute,
        "s": at.second,
    }
    if letter not in numbers:
        raise PrefixError(f"the pattern letter {letter!r} is not supported here")
    if count > (3 if letter == "D" else 2):
        raise PrefixError(f"too many pattern letters: {letter}")
    return f"{numbers[letter]:0{count}}"
