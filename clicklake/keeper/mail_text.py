"""The text of the morning mail: ten lines of plain text, from values alone."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from clicklake.cost.breakdown import MILLION
from clicklake.keeper.topic import for_mail

WEEK = timedelta(days=7)
LISTED = 5  # items and sources


@dataclass(frozen=True)
class DayFigures:
    """What the saved queries say of one day. Bots are counted apart, everything else leaves them out."""

    clicks: int
    pageviews: int
    others: int
    visitors: int
    bots: int
    items: Mapping[str, tuple[str, int]]  # by id: name and clicks, most clicks first
    sources: Mapping[str, int]  # by host: events, most first

    @property
    def events(self) -> int:
        return self.clicks + self.pageviews + self.others + self.bots

    @property
    def is_quiet(self) -> bool:
        return self.events == 0


@dataclass(frozen=True)
class MailFacts:
    stage: str
    day: date
    zone: str
    current: DayFigures
    earlier: DayFigures  # of the same weekday, a week before
    account: Mapping[str, Any] | None  # the latest result of `reconcile`
    usd_per_million: float
    usd_idle_month: float
    dashboard: str  # its address; empty if there is none


def subject_of(facts: MailFacts) -> str:
    number = facts.current.clicks
    clicks = f"{number:,} click{'' if number == 1 else 's'}" if number else "no clicks"
    return f"Clicklake {facts.stage}: {clicks} on {facts.day:%A, %d %B %Y}"


def text_of(facts: MailFacts) -> str:
    return "\n".join(_lines(facts)) + "\n"


def _lines(facts: MailFacts) -> Iterator[str]:
    current, earlier = facts.current, facts.earlier
    yield f"{facts.day:%A} {facts.day} ({facts.zone}), compared with {facts.day - WEEK}"
    if current.is_quiet:
        yield "No clicks, and no other events. The next mail comes after the next event."
    yield f"Clicks: {_compared(current.clicks, earlier.clicks)}"
    yield f"Page views: {_compared(current.pageviews, earlier.pageviews)}"
    yield f"Visitors: {_compared(current.visitors, earlier.visitors)}"
    yield f"Items: {_items(current, earlier) or 'none'}"
    yield f"Sources: {_sources(current, earlier) or 'none'}"
    yield _account(facts.account)
    yield _cost(facts)
    if facts.dashboard:
        yield f"Dashboard: {facts.dashboard}"
    yield f"Events of bots, left out above: {current.bots:,}. Each event counts once."


def _compared(number: int, before: int) -> str:
    if not before:
        return f"{number:,} (0 before)"
    return f"{number:,} ({before:,} before, {100 * (number - before) / before:+.0f} %)"


def _items(current: DayFigures, earlier: DayFigures) -> str:
    parts = []
    for item, (name, clicks) in [*current.items.items()][:LISTED]:
        before = earlier.items.get(item)
        parts.append(_counted(_without_hosts(name), clicks, before[1] if before else None))
    return ", ".join(parts)


def _without_hosts(name: object) -> str:
    """Return an item's name without a host, which mail programs link. An id can be any visitor's text."""
    return re.sub(r"\.(?=[^\W\d_])", "?", str(name))


def _sources(current: DayFigures, earlier: DayFigures) -> str:
    listed = [*current.sources.items()][:LISTED]
    return ", ".join(_counted(host, events, earlier.sources.get(host)) for host, events in listed)


def _counted(name: str, number: int, before: int | None) -> str:
    """`before` is None if it is not among the fifty most frequent of that day."""
    return f"{for_mail(name) or '?'} {number:,}" + (f" ({before:,})" if before is not None else "")


def _account(account: Mapping[str, Any] | None) -> str:
    if account is None:
        return "Accepted: not counted, because there is no result of reconcile. See the alarm KeeperIsLate."
    failed = sum(sum(account[name].values()) for name in ("failed", "parked", "movedByReplay"))
    line = (
        f"Accepted on {account['day']} (UTC): {account['accepted']:,} = {account['delivered']:,} delivered"
        f" + {failed:,} failed + {account['inFlight']:,} in flight"
    )
    if account["missing"]:
        line += f" + {account['missing']:,} missing"
    return line + f". Missing: {account['missing'] + account['replayed']['missing']:,}"


def _cost(facts: MailFacts) -> str:
    usd = facts.current.events * facts.usd_per_million / MILLION
    return (
        f"Cost: about {usd:.2f} USD for the day's events ({facts.current.events:,}),"
        f" and at most {facts.usd_idle_month:.2f} USD a month for the alarms"
    )
