"""A view is its URL: every part is checked, and what is written is read again."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import get_args
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clicklake.cli.time_spans import COMPARISONS
from clicklake.dashboard.view import MAX_CONDITIONS, MAX_STEPS, MAX_TABS, Period, View, parse_view
from clicklake.lake.partitions import Span
from clicklake.query.filters import (
    ATTRIBUTE_MARK,
    DIMENSIONS,
    MAX_VALUE_CHARACTERS,
    STEP_KINDS,
    Condition,
    ParameterError,
)

NOON = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)  # a Wednesday

values = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
conditions = st.builds(
    Condition, st.sampled_from([*DIMENSIONS, f"{ATTRIBUTE_MARK}species"]), values, st.booleans()
)
days = st.dates(date(2020, 1, 1), date(2026, 12, 31))


@st.composite
def views(draw: st.DrawFn) -> View:
    period = draw(st.sampled_from(get_args(Period)))
    first = draw(days) if period == "custom" else None
    last = first + timedelta(days=draw(st.integers(0, 400))) if first else None
    chosen = draw(st.lists(conditions, max_size=5, unique=True))
    steps = draw(st.lists(st.builds(Condition, st.sampled_from(STEP_KINDS), values), max_size=4))
    return View(
        period,
        first,
        last,
        draw(st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"])),
        draw(st.sampled_from(COMPARISONS)),
        tuple(chosen),
        tuple(steps),
        tuple(draw(st.lists(st.sampled_from(["entry_pages", "campaigns"]), unique=True))),
    )


@given(views())
def test_the_url_of_a_view_is_the_view(view: View) -> None:
    pairs = parse_qsl(view.url().removeprefix("?"), keep_blank_values=True, errors="surrogatepass")
    assert parse_view(pairs) == view


names = st.text(max_size=12) | st.sampled_from(["is", "not", "step", "tab", "from"])


@settings(max_examples=40)  # each unknown zone is looked for on the disk
@given(st.lists(st.tuples(names, st.text())))
def test_any_parameters_make_a_view_or_a_view_error(pairs: list[tuple[str, str]]) -> None:
    with suppress(ParameterError):
        span = parse_view(pairs).span(NOON)
        assert span.since < span.until


@pytest.mark.parametrize(
    ("pairs", "parameter"),
    [
        ([("period", "fortnight")], "period"),
        ([("period", "custom")], "from"),
        ([("to", "2026-11-24")], "from"),
        ([("period", "today"), ("to", "2026-11-24")], "from"),
        ([("from", "yesterday")], "from"),
        ([("from", "0001-01-01")], "from"),
        ([("from", "2026-11-24"), ("to", "2026-11-23")], "to"),
        ([("from", "2020-01-01"), ("to", "2026-01-01")], "to"),
        ([("zone", "Mars/Olympus")], "zone"),
        ([("zone", "../../etc/passwd")], "zone"),
        ([("compare", "decade")], "compare"),
        ([("is", "country")], "is"),
        ([("not", "colour:red")], "not"),
        ([("is", f"{ATTRIBUTE_MARK}a b:red")], "is"),
        ([("is", "page:" + "x" * (MAX_VALUE_CHARACTERS + 1))], "is"),
        ([("is", "page:a\0b")], "is"),
        ([("step", "country:DE")], "step"),
        ([("step", f"{ATTRIBUTE_MARK}species:Troll")], "step"),
        ([("kind", "country"), ("target", "DE")], "target"),
        ([("is", f"page:/{number}") for number in range(MAX_CONDITIONS + 1)], "is"),
        ([("step", f"page:/{number}") for number in range(MAX_STEPS + 1)], "step"),
        ([("tab", f"t{number}") for number in range(MAX_TABS + 1)], "tab"),
        ([("tab", "a b")], "tab"),
        ([("colour", "red")], "colour"),
    ],
)
def test_a_wrong_parameter_is_named_with_its_rule(pairs: list[tuple[str, str]], parameter: str) -> None:
    with pytest.raises(ParameterError) as found:
        parse_view(pairs)
    assert found.value.parameter == parameter
    assert parameter in str(found.value)


@pytest.mark.parametrize(
    ("query", "since", "until"),
    [
        ("period=today", "2026-11-25T00", "2026-11-25T13"),
        ("period=yesterday", "2026-11-24T00", "2026-11-25T00"),
        ("", "2026-11-19T00", "2026-11-25T13"),
        ("period=30d", "2026-10-27T00", "2026-11-25T13"),
        ("period=month", "2026-11-01T00", "2026-11-25T13"),
        ("period=lastmonth", "2026-10-01T00", "2026-11-01T00"),
        ("from=2026-11-01&to=2026-11-02", "2026-11-01T00", "2026-11-03T00"),
        ("from=2026-11-01", "2026-11-01T00", "2026-11-02T00"),
        # Days are the zone's: one of 25 hours, when the clocks go back, and one that begins at half past.
        ("from=2026-10-25&zone=Europe/Berlin", "2026-10-24T22", "2026-10-25T23"),
        ("period=yesterday&zone=Asia/Kolkata", "2026-11-23T18:30", "2026-11-24T18:30"),
    ],
)
def test_a_period_is_these_hours(query: str, since: str, until: str) -> None:
    span = parse_view(parse_qsl(query)).span(NOON)
    assert [
        moment.isoformat()[: len(text)] for moment, text in ((span.since, since), (span.until, until))
    ] == [
        since,
        until,
    ]


@pytest.mark.parametrize(
    ("query", "since", "until"),
    [
        # A day that goes on is compared up to this minute.
        ("period=today", "2026-11-18T00:00", "2026-11-18T12:31"),
        ("period=today&compare=previous", "2026-11-24T11:29", "2026-11-25T00:00"),
        ("period=yesterday", "2026-11-17T00:00", "2026-11-18T00:00"),
        ("period=yesterday&compare=year", "2025-11-25T00:00", "2025-11-26T00:00"),
    ],
)
def test_a_period_is_compared_with_these_hours(query: str, since: str, until: str) -> None:
    compared = parse_view(parse_qsl(query)).compared(NOON)
    assert compared == Span(*(datetime.fromisoformat(f"{each}+00:00") for each in (since, until)))


def test_nothing_is_compared_if_nothing_is_chosen() -> None:
    assert parse_view([("compare", "none")]).compared(NOON) is None


def test_a_filter_takes_the_place_of_its_opposite() -> None:
    germany = Condition("country", "DE")
    view = View(conditions=(germany.negated(), Condition("device", "mobile")))
    assert view.only(germany).conditions == (Condition("device", "mobile"), germany)
    assert view.only(germany).only(germany).conditions == view.only(germany).conditions
    assert view.negating(germany.negated()).conditions[0] == germany
    assert view.without(germany.negated()).conditions == (Condition("device", "mobile"),)
    assert view.cleared().conditions == ()


def test_forms_add_a_filter_and_a_step() -> None:
    view = parse_view(
        [("dimension", "country"), ("how", "not"), ("value", "DE"), ("kind", "type"), ("target", "adopted")]
    )
    assert view.conditions == (Condition("country", "DE", is_negative=True),)
    assert view.steps == (Condition("type", "adopted"),)


def test_a_long_unknown_parameter_is_named_by_its_beginning() -> None:
    with pytest.raises(ParameterError) as found:
        parse_view([("a" * 200_000, "1")])
    assert len(str(found.value)) < 300
