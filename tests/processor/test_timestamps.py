from datetime import UTC, datetime, timedelta, timezone

import pytest

from processor.timestamps import from_milliseconds, milliseconds_between, to_rfc3339


def test_timestamps_are_in_utc_with_milliseconds() -> None:
    moment = datetime(2026, 11, 24, 4, 38, 2, 123_999, tzinfo=timezone(timedelta(hours=2)))
    assert to_rfc3339(moment) == "2026-11-24T02:38:02.123Z"
    assert to_rfc3339(datetime(2026, 11, 24, tzinfo=UTC)) == "2026-11-24T00:00:00.000Z"


def test_milliseconds_since_1970_become_a_timestamp() -> None:
    assert from_milliseconds(1_795_489_985_680) == "2026-11-24T03:13:05.680Z"


@pytest.mark.parametrize(
    ("earlier", "later", "milliseconds"),
    [
        ("2026-11-24T02:38:01.900Z", "2026-11-24T02:38:02.123Z", 223),
        ("2026-11-24T02:38:02.123Z", "2026-11-24T02:38:01.900Z", -223),
        ("2026-11-24T02:38:02.123Z", "2026-11-24T02:38:02.123Z", 0),
        ("2026-11-23T23:59:59.999Z", "2026-11-24T00:00:00.001Z", 2),
        ("1970-01-01T00:00:00.000Z", "2026-11-24T00:00:00.000Z", 1_795_478_400_000),
        (None, "2026-11-24T02:38:02.123Z", None),
        ("2026-11-24T02:38:02.123Z", None, None),
        ("yesterday", "2026-11-24T02:38:02.123Z", None),
        ("2026-11-24T02:38:02.123", "2026-11-24T02:38:02.123Z", None),
    ],
)
def test_the_difference_of_two_timestamps(
    earlier: str | None, later: str | None, milliseconds: int | None
) -> None:
    assert milliseconds_between(earlier, later) == milliseconds
