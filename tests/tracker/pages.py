"""What the tests do to a page that has the tracker, and ask of it."""

from collections.abc import Callable, Mapping

from playwright.sync_api import Page

Track = Callable[..., str]
"""Serves a page with the tracker, given its body and the script's attributes, and says where."""

BUTTON = '<button data-click-item="item-1">One</button>'

NO_TICKS = "window.setInterval = () => 0;"
"""A script that keeps the tracker from looking at its queue once a second."""

SECOND = 1_000
MINUTE = 60 * SECOND
HALF_AN_HOUR = 30 * MINUTE  # longer than any pause
DAY = 24 * 60 * MINUTE


def wait(page: Page, milliseconds: int = SECOND) -> None:
    """Put the clock of all the visitor's tabs forward: after a second the tracker has looked at its queue."""
    page.clock.fast_forward(milliseconds)


def stored(page: Page) -> Mapping[str, str]:
    """What is on the visitor's device."""
    entries: dict[str, str] = page.evaluate("({...localStorage})")
    return entries


def waiting(page: Page) -> int:
    """How many clicks are on the visitor's device."""
    return sum(key.startswith("clicklake.click.") for key in stored(page))


def wait_until_empty(page: Page) -> None:
    page.wait_for_function("!Object.keys(localStorage).some((key) => key.startsWith('clicklake.click.'))")


def wait_for_pause(page: Page) -> None:
    """Until the tracker has seen a failure. A pause of a second may end before we look."""
    page.wait_for_function(f"localStorage['clicklake.pause'] > Date.now() - {10 * SECOND}")


def pause_of(page: Page) -> float:
    """How many milliseconds the tracker will send nothing."""
    return float(page.evaluate("localStorage['clicklake.pause'] - Date.now()"))


def track(page: Page, count: int, properties: str = "undefined") -> None:
    """Clicks on items 0 to `count` - 1."""
    page.evaluate(f"for (let i = 0; i < {count}; i++) clicks.track('item-' + i, {properties})")
