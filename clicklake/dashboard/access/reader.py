"""Who looks at a page, and what they may do there. A gate finds it out; the pages show it."""

from typing import NamedTuple
from urllib.parse import parse_qsl

from flask import g

GUESTS_SHARE = 0.5
"""Of the day's budget. A link that many people open leaves the rest to those who know the password."""


class Reader(NamedTuple):
    """By default whoever sits at this machine: nothing to log out of, and no links to make."""

    csrf_token: str = ""
    """Of a session that was begun with a password. The page's forms send it."""
    link: str = ""
    """A share link's signed text; empty for whoever has logged in."""
    shared_view: str = ""
    """The only view that the link shows, as a URL's query."""

    @property
    def is_guest(self) -> bool:
        return bool(self.link)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.shared_view, keep_blank_values=True)


def current_reader() -> Reader:
    reader: Reader = g.get("reader", Reader())
    return reader


def let_in(reader: Reader) -> None:
    g.reader = reader


def budget_share() -> float:
    """Return how much of the day's budget may be spent for whoever looks at the page."""
    return GUESTS_SHARE if current_reader().is_guest else 1
