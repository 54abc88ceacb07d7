"""Times as the envelope writes them: RFC 3339, UTC, milliseconds, Z."""

from datetime import UTC, datetime


def to_rfc3339(instant: datetime) -> str:
    """Raise OverflowError for an instant that, in UTC, lies before year 1 or after year 9999."""
    utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return utc.isoformat("T", "milliseconds")[:-6] + "Z"
