"""Write timestamps as the envelope has them: 2026-11-24T02:38:01.500Z (RFC 3339, UTC, milliseconds).

A module of its own because the request's parsers and the envelope both write timestamps.
"""

from datetime import UTC, datetime


def to_rfc3339(moment: datetime) -> str:
    """Raise OverflowError if the moment, converted to UTC, is before year 1 or after year 9999."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat("T", "milliseconds")[:-6] + "Z"
