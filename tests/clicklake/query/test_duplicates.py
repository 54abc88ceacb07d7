"""`duplicates`: the lines of each event, added up over its hours, whatever hours those are."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from clicklake.query.queries import saved_query
from clicklake.query.translate import MACROS, to_duckdb
from tests.support.counting import LandedLine, counted_events

FIRST = datetime(2026, 11, 1, tzinfo=UTC)
landings = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 80)), max_size=30)


@given(landings)
def test_the_lines_of_all_hours_are_added_up(landed: list[tuple[str, int]]) -> None:
    lines = [
        LandedLine(FIRST + timedelta(hours=hour), {"eventId": event, "processedAt": "", "receivedAt": ""})
        for event, hour in landed
    ]
    rows = [
        (f"{event.hour:%Y-%m-%d}", event.hour.hour, event.fields["eventId"], event.copies, event.counted)
        for event in counted_events(lines)
    ]
    expected: Counter[int] = Counter()
    for event in {event for event, _ in landed}:
        mine = [row for row in rows if row[2] == event]
        if all(row[4] for row in mine):  # more than 25 hours apart: each counts as an event of its own
            expected.update(row[3] for row in mine)
        else:
            expected[sum(row[3] for row in mine)] += 1
    with duckdb.connect() as db:
        db.execute(MACROS)
        columns = "dt varchar, hr integer, eventid varchar, copies integer, counted boolean"
        db.execute(f"create table hourly_events ({columns})")
        if rows:
            db.executemany("insert into hourly_events values (?, ?, ?, ?, ?)", rows)
        found = db.execute(to_duckdb(saved_query("duplicates"))).fetchall()
    assert found == sorted(expected.items())
