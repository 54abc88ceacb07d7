"""A stranger's text made safe for where it goes. HTML is its templates' business."""

import unicodedata

# Control characters (terminal escapes among them), invisible formatting such as right-to-left overrides,
# surrogates, private use, and both Unicode line ends.
_UNPRINTABLE = frozenset(["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"])

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # owasp.org/www-community/attacks/CSV_Injection


def for_terminal(text: str) -> str:
    r"""One line that moves no cursor and turns no text around: what is not printable is written as \x1b."""
    return "".join(_escaped(character) for character in text)


def for_csv(text: str) -> str:
    """A cell that no spreadsheet takes for a formula, on one line; quoting it is the csv module's."""
    shown = for_terminal(text)
    return f"'{shown}" if text.startswith(_FORMULA_STARTS) else shown


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _UNPRINTABLE:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
