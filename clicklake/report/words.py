"""Words for numbers and values: singular and plural, names of countries, what a code means."""

from collections.abc import Mapping
from functools import lru_cache
from string import Formatter
from typing import Any

from babel import Locale

_MEANINGS: Mapping[str, Mapping[str, str]] = {
    "referrerkind": {
        "search": "search engines",
        "social": "social networks",
        "ai": "AI assistants",
        "mail": "mail",
        "internal": "own pages",
        "other": "other sites",
        "direct": "direct visits",
    },
    "itemlookup": {
        "found": "found",
        "not_found": "no such item",
        "unavailable": "no answer",
        "not_asked": "not asked yet",
        "none": "no catalogue",
    },
    "device": {
        "desktop": "desktops",
        "mobile": "phones",
        "tablet": "tablets",
        "tv": "TVs",
        "other": "other devices",
    },
}


class _Plural(Formatter):
    """Formats {clicks:click/clicks} as the number with the word that fits, other numbers with commas."""

    def format_field(self, value: Any, format_spec: str) -> str:
        one, slash, many = format_spec.partition("/")
        if slash:
            return f"{value:,} {one if value == 1 else many}"
        return f"{value:,}" if isinstance(value, int) else super().format_field(value, format_spec)


def sentence(template: str, **values: Any) -> str:
    return _Plural().format(template, **values)


def meaning_of(column: str, value: Any) -> Any:
    """Return what a code in the column means in English; any other value as it is."""
    if column == "country":
        return country_name(str(value)) if value is not None else None
    return _MEANINGS.get(column, {}).get(value, value)


@lru_cache(1)
def _territories() -> Mapping[str, str]:
    names: Mapping[str, str] = Locale("en").territories
    return names


def country_name(code: str) -> str:
    return _territories().get(code.upper(), code)
