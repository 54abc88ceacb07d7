"""Which hours need a new object: what the listings and the fingerprints say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from clicklake.compact.plan import LakeState, first_kept_hour
from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.columns import ColumnsMetadata, columns_key, is_closed, source_fingerprint
from clicklake.lake.partitions import HOUR, Span

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW = NOON + 72 * HOUR


def clicks_of(hour: datetime, etag: str = "1") -> list[S3Object]:
    return [S3Object(f"clicks/dt={hour:%Y-%m-%d}/hr={hour:%H}/a.gz", 1, NOON, etag)]


def state_of(*hours: datetime) -> LakeState:
    """A state in which these hours are compacted and current."""
    state = LakeState({hour: clicks_of(hour) for hour in hours}, {}, {}, set())
    for hour in hours:
        state.objects[hour] = S3Object(columns_key(hour), 1, NOON, "e")
        source = source_fingerprint(state.clicks[hour])
        state.metadata[hour] = ColumnsMetadata(source, "", f"ids of {hour}", 1, 1)
    for hour in hours:
        state.metadata[hour] = replace(state.metadata[hour], before=state.before(hour))
    return state


def test_hours_that_match_their_fingerprints_need_nothing() -> None:
    state = state_of(NOON, NOON + HOUR, NOON + 25 * HOUR, NOON + 26 * HOUR)
    assert [state.reason(hour) for hour in state.clicks] == [None] * 4


def test_other_lines_or_none_before_are_reasons() -> None:
    state = state_of(NOON)
    state.clicks[NOON] = clicks_of(NOON, "2")
    state.clicks[NOON + HOUR] = clicks_of(NOON + HOUR)
    assert (state.reason(NOON), state.reason(NOON + HOUR)) == ("source", "new")


def test_other_ids_are_a_reason_for_the_25_hours_after_and_no_longer() -> None:
    state = state_of(NOON, NOON + HOUR, NOON + 25 * HOUR, NOON + 26 * HOUR)
    state.metadata[NOON] = replace(state.metadata[NOON], ids="others")
    reasons = [state.reason(NOON + number * HOUR) for number in (0, 1, 25, 26)]
    assert reasons == [None, "before", "before", None]


def test_an_older_schema_is_a_reason_and_a_newer_one_is_not() -> None:
    state = state_of(NOON)
    state.metadata[NOON] = replace(state.metadata[NOON], schema=0)
    assert state.reason(NOON) == "schema"
    state.metadata[NOON] = replace(state.metadata[NOON], schema=99)
    assert state.reason(NOON) is None


def test_after_the_span_only_hours_with_an_object_are_looked_at() -> None:
    state = state_of(NOON, NOON + 3 * HOUR)
    state.clicks[NOON + 2 * HOUR] = clicks_of(NOON + 2 * HOUR)
    hours = list(state.to_compact(Span(NOON, NOON + HOUR), NOW))
    assert hours == [NOON, NOON + 3 * HOUR]


def test_an_hour_is_closed_20_minutes_after_its_end() -> None:
    assert not is_closed(NOON, NOON + timedelta(minutes=79))
    assert is_closed(NOON, NOON + timedelta(minutes=80))


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ({"Filter": {"Prefix": "clicks/"}, "Expiration": {"Days": 30}}, 30),
        ({"Prefix": "", "Expiration": {"Days": 40}}, 40),
        ({"Filter": {"And": {"Prefix": "clicks/", "Tags": []}}, "Expiration": {"Days": 50}}, 50),
        ({"Filter": {"And": {"Prefix": "raw/"}}, "Expiration": {"Days": 50}}, None),
        ({"Filter": {"Prefix": "raw/"}, "Expiration": {"Days": 9}}, None),
        ({"Filter": {"Prefix": "clicks/"}, "NoncurrentVersionExpiration": {"NoncurrentDays": 3}}, None),
        ({"Filter": {"Prefix": "clicks/"}, "Expiration": {"Days": 9}, "Status": "Disabled"}, None),
    ],
)
def test_the_lifecycle_says_which_lines_cannot_have_expired(rule: dict[str, Any], days: int | None) -> None:
    rules = {"Rules": [{"Status": "Enabled"} | rule]}
    s3: Any = SimpleNamespace(get_bucket_lifecycle_configuration=lambda Bucket: rules)  # noqa: N803
    first = first_kept_hour(Lake("lake", {}, s3), NOW)
    assert first == (NOW - timedelta(days=days) + HOUR if days else None)
