"""Timestamps as the data has them: RFC 3339, UTC, milliseconds, `Z`."""

from datetime import UTC, datetime


def to_rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_milliseconds(since_1970: int) -> str:
    return to_rfc3339(datetime.fromtimestamp(since_1970 / 1000, UTC))


def milliseconds_between(earlier: str | None, later: str | None) -> int | None:
    """Return None if a timestamp is missing or invalid. The result is negative if `later` comes first."""
    if earlier is None or later is None:
        return None
    try:
        between = datetime.fromisoformat(later) - datetime.fromisoformat(earlier)
    except (ValueError, TypeError):  # TypeError: only one of the two has an offset
        return None
    return round(between.total_seconds() * 1000)
