"""Firehose's prefix language."""

from datetime import UTC, datetime

import pytest

from clicklake.local.delivery_stream import prefix
from clicklake.local.delivery_stream.prefix import PrefixError

AT = datetime(2026, 3, 5, 7, 8, 9, 123456, tzinfo=UTC)  # a Thursday


@pytest.mark.parametrize(
    ("pattern", "formatted"),
    [
        ("yyyy/MM/dd/HH/", "2026/03/05/07/"),
        ("yyyy-MM-dd", "2026-03-05"),
        ("yy", "26"),
        ("y-M-d-H-m-s", "2026-3-5-7-8-9"),
        ("uuuu", "2026"),
        ("yyyyy", "02026"),
        ("MMM", "Mar"),
        ("MMMM", "March"),
        ("MMMMM", "M"),
        ("LL", "03"),
        ("D", "64"),
        ("DDD", "064"),
        ("E", "Thu"),
        ("EEEE", "Thursday"),
        ("hh a", "07 AM"),
        ("K k", "7 7"),
        ("SSS", "123"),
        ("SSSSSSSSS", "123456000"),
        ("'year='yyyy'/month='MM'/day='dd'/hour='HH", "year=2026/month=03/day=05/hour=07"),
        ("'it''s'", "it's"),
        ("''yyyy''", "'2026'"),
        ("yyyy.MM_dd:HH", "2026.03_05:07"),
    ],
)
def test_java_pattern_is_formatted_as_java_does(pattern: str, formatted: str) -> None:
    assert prefix.format_java(pattern, AT) == formatted


@pytest.mark.parametrize(
    ("hour", "formatted"), [(0, "12 24 0 AM"), (12, "12 12 0 PM"), (13, "1 13 1 PM"), (23, "11 23 11 PM")]
)
def test_java_twelve_hour_clocks(hour: int, formatted: str) -> None:
    assert prefix.format_java("h k K a", AT.replace(hour=hour)) == formatted


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("YYYY-MM-dd", "write yyyy"),
        ("ddd", "too many pattern letters: d"),
        ("DDDD", "too many pattern letters: D"),
        ("MMMMMM", "6 letters are too many"),
        ("yyyy'", "not closed"),
        ("x", "'x'"),
    ],
)
def test_unsupported_pattern_is_refused_with_a_reason(pattern: str, reason: str) -> None:
    with pytest.raises(PrefixError, match=reason):
        prefix.format_java(pattern, AT)


@pytest.mark.parametrize(
    ("given", "evaluated"),
    [
        ("clicks/dt=!{timestamp:yyyy-MM-dd}/hr=!{timestamp:HH}/", "clicks/dt=2026-03-05/hr=07/"),
        ("plain/", "plain/"),
        ("", ""),
    ],
)
def test_prefix_is_evaluated(given: str, evaluated: str) -> None:
    assert prefix.evaluate(given, AT) == evaluated


def test_error_output_type_is_filled_in() -> None:
    given = "failed/!{firehose:error-output-type}/dt=!{timestamp:yyyy-MM-dd}/"
    assert prefix.evaluate(given, AT, "processing-failed") == "failed/processing-failed/dt=2026-03-05/"


def test_random_string_has_eleven_characters_and_is_new_each_time() -> None:
    first, second = prefix.evaluate("!{firehose:random-string}/!{firehose:random-string}", AT).split("/")
    assert len(first) == len(second) == 11
    assert first != second


@pytest.mark.parametrize(
    "given",
    [
        "!{firehose:error-output-type}/",  # not in a Prefix
        "!{firehose:nothing}/",
        "!{partitionKeyFromLambda:user}/",
        "clicks/!{timestamp}/",
        "clicks/!{",
        "x" * 513,
    ],
)
def test_invalid_prefix_is_refused(given: str) -> None:
    with pytest.raises(PrefixError):
        prefix.evaluate(given, AT)


@pytest.mark.parametrize(
    ("given", "completed"),
    [
        ("", "!{timestamp:yyyy/MM/dd/HH/}"),
        ("clicks/", "clicks/!{timestamp:yyyy/MM/dd/HH/}"),
        ("clicks/!{firehose:random-string}/", "clicks/!{firehose:random-string}/!{timestamp:yyyy/MM/dd/HH/}"),
        ("clicks/!{timestamp:yyyy}/", "clicks/!{timestamp:yyyy}/"),
    ],
)
def test_hour_is_appended_to_a_prefix_without_a_timestamp(given: str, completed: str) -> None:
    assert prefix.with_timestamp(given) == completed
