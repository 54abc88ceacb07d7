"""The setting ITEM_ID_PATTERN: a regular expression that no item id takes long to compare with.

Strangers choose the ids. So a pattern has at most one piece of variable length, no groups and no
alternatives, and an id of 128 characters is compared 128 times at most. processor/settings.py and the
parameter ItemIdPattern in cloudformation/lake.yaml have the same rule.
"""

import re
import warnings

MAX_PATTERN_CHARACTERS = 256

_PIECE = r"(?:[A-Za-z0-9_:~@-]|\\[.dw-]|\[\^?(?:[A-Za-z0-9_.:~@-]|\\[.dw-])+\])"
_FIXED = rf"(?:{_PIECE}(?:\{{[0-9]{{1,3}}\}})?)*"
_SAFE_PATTERN = re.compile(
    rf"\^?{_FIXED}(?:{_PIECE}(?:[+*?]|\{{[0-9]{{1,3}},(?:[0-9]{{1,3}})?\}}){_FIXED})?\$?"
)


def check_item_id_pattern(text: str) -> None:
    """Raise ValueError, which says the rule, if the pattern is not one of the safe ones above."""
    if len(text) > MAX_PATTERN_CHARACTERS or not _SAFE_PATTERN.fullmatch(text):
        raise ValueError(
            f"must be a pattern of at most {MAX_PATTERN_CHARACTERS} characters: letters, digits, _ : ~ @ -"
            r" \. \d \w and [classes], each of them once or {n} times, and one of them with {m,n}, {m,}, +, *"
            " or ?"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # such as "possible set difference" for [a--z]
            re.compile(text)
    except (re.error, FutureWarning) as error:
        raise ValueError(f"must be a regular expression: {error}") from None


def whole_id(pattern: str) -> str:
    """Return the pattern of an id that matches as a whole, with \\d and \\w in ASCII alone."""
    return rf"\A(?a:{pattern})\Z"
