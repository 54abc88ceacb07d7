"""The morning mail's text: what its lines say, and that no stranger's name can do more than be read."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicklake.keeper.mail_text import DayFigures, MailFacts, subject_of, text_of
from clicklake.keeper.topic import MAX_NAME_CHARACTERS, for_mail

ACCOUNT: dict[str, Any] = {
    "day": "2026-11-27",
    "accepted": 7060,
    "delivered": 7050,
    "failed": {"Lambda.FunctionError": 3},
    "parked": {"Lambda.FunctionError": 1},
    "movedByReplay": {},
    "inFlight": 6,
    "missing": 0,
    "replayed": {"missing": 0},
}
FIGURES = DayFigures(
    clicks=1234,
    pageviews=5678,
    others=0,
    visitors=345,
    bots=100,
    items={"1": ("Evangeline", 45), "2": ("Pauly", 40)},
    sources={"www.google.com": 120, "news.example": 44},
)
EARLIER = replace(FIGURES, clicks=1100, visitors=300, items={"1": ("Evangeline", 40)}, sources={})
QUIET = DayFigures(0, 0, 0, 0, 0, {}, {})
FACTS = MailFacts(
    stage="production",
    day=date(2026, 11, 27),
    zone="Europe/Berlin",
    current=FIGURES,
    earlier=EARLIER,
    account=ACCOUNT,
    usd_per_million=2.6,
    usd_idle_month=1.6,
    dashboard="https://d.example/dashboard_production/",
)


def test_the_mail_has_ten_lines() -> None:
    assert text_of(FACTS).splitlines() == [
        "Friday 2026-11-27 (Europe/Berlin), compared with 2026-11-20",
        "Clicks: 1,234 (1,100 before, +12 %)",
        "Page views: 5,678 (5,678 before, +0 %)",
        "Visitors: 345 (300 before, +15 %)",
        "Items: Evangeline 45 (40), Pauly 40",
        "Sources: www.google.com 120, news.example 44",
        "Accepted on 2026-11-27 (UTC): 7,060 = 7,050 delivered + 4 failed + 6 in flight. Missing: 0",
        "Cost: about 0.02 USD for the day's events (7,012), and at most 1.60 USD a month for the alarms",
        "Dashboard: https://d.example/dashboard_production/",
        "Events of bots, left out above: 100. Each event counts once.",
    ]
    assert subject_of(FACTS) == "Clicklake production: 1,234 clicks on Friday, 27 November 2026"


def test_a_quiet_day_says_so_and_the_dashboard_is_left_out_if_there_is_none() -> None:
    facts = replace(FACTS, current=QUIET, earlier=QUIET, dashboard="")
    assert "No clicks, and no other events." in text_of(facts)
    assert "Clicks: 0 (0 before)" in text_of(facts)
    assert "Items: none\nSources: none\n" in text_of(facts)
    assert "Dashboard" not in text_of(facts)
    assert subject_of(facts) == "Clicklake production: no clicks on Friday, 27 November 2026"


def test_missing_clicks_are_a_term_of_the_sum() -> None:
    account = ACCOUNT | {"delivered": 7047, "missing": 3}
    line = text_of(replace(FACTS, account=account)).splitlines()[6]
    assert line.endswith("7,047 delivered + 4 failed + 6 in flight + 3 missing. Missing: 3")


def test_without_a_result_of_reconcile_the_mail_says_so() -> None:
    assert "there is no result of reconcile" in text_of(replace(FACTS, account=None))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Evangeline", "Evangeline"),
        ("Größe 42, blau & rot", "Größe 42, blau & rot"),
        ("ドラゴン", "ドラゴン"),
        ("हिन्दी", "हिन्दी"),
        ("a\r\nBcc: everyone@example.com", "a??Bcc? everyone?example.com"),
        ("<script>alert(1)</script>", "?script?alert(1)??script?"),
        ("=cmd()", "?cmd()"),
        ("\x1b[31mred", "??31mred"),
        ("https://evil.example/login", "https???evil.example?login"),
        ("\u202egnp.exe", "?gnp.exe"),
        ("a\u2028b", "a?b"),
        ('class="', "class??"),
        ("a\u3164\u034fb\ufe0f", "a??b?"),
        ("", ""),
        (None, "None"),
    ],
)
def test_a_strangers_name_is_read_and_nothing_else(name: str | None, shown: str) -> None:
    assert for_mail(name) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("evil.example Your invoice", "evil?example Your invoice"),
        ("www.evil.example/login", "www?evil?example?login"),
        ("St. Evangeline v1.2 Jr.", "St. Evangeline v1.2 Jr."),
        ("", "?"),
        (" \u3000", "?"),
    ],
)
def test_an_items_name_is_no_link_and_never_empty(name: str, shown: str) -> None:
    """Mail programs link bare hosts too. An unknown item is shown by its id, which can be any text."""
    text = text_of(replace(FACTS, current=replace(FIGURES, items={"1": (name, 45)})))
    assert f"Items: {shown} 45 (40)" in text.splitlines()


@given(st.text(max_size=300))
def test_no_name_ends_its_line_or_is_longer_than_forty_characters(name: str) -> None:
    shown = for_mail(name)
    assert len(shown) <= MAX_NAME_CHARACTERS
    assert len(shown.splitlines()) <= 1
    assert "://" not in shown
    lines = text_of(replace(FACTS, current=replace(FIGURES, items={"1": (name, 45)}))).splitlines()
    assert len(lines) == 10
