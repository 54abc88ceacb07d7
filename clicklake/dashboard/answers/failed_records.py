"""The panel of failed records, without an engine: Glue has no table of Firehose's error documents.

There are few of them, so they are read here. The rows are those of the saved query `failures`.
"""

from collections import Counter
from collections.abc import Iterator

import msgspec

from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.error_documents import FAILED, objects_of_day
from clicklake.lake.json_lines import NotJsonError, decode_json
from clicklake.lake.object_stream import UnreadableObjectError
from clicklake.lake.partitions import Span, hours_between
from clicklake.query.queries import QueryResult

COLUMNS = ("errorcode", "errormessage", "records", "total")
MAX_ROWS = 50
MAX_BYTES = 50_000_000  # of objects; a request has half a minute


class FailureReason(msgspec.Struct, rename="camel", gc=False, frozen=True):
    """What an error document says of its failure."""

    error_code: str | None = None
    error_message: str | None = None


_REASONS = msgspec.json.Decoder(FailureReason)


def count_failures(lake: Lake, span: Span) -> QueryResult:
    """Return why records failed on the days of the span, the most frequent reason first.

    Raises CommandError if there are too many to read.
    """
    days = sorted({hour.date() for hour in hours_between(span.since, span.until)})
    objects = [found for day in days for found in objects_of_day(lake, FAILED, day)]
    if sum(found.size for found in objects) > MAX_BYTES:
        raise CommandError(
            f"the error documents of these days have more than {MAX_BYTES // 1_000_000} MB: choose fewer"
            " days, or run `clicklake query failures`"
        )
    counts = Counter(reason for found in objects for reason in _reasons(lake, found))
    total = sum(counts.values())
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], *map(_nulls_last, pair[0])))
    return QueryResult(COLUMNS, [(*reason, number, total) for reason, number in ranked[:MAX_ROWS]])


def _reasons(lake: Lake, found: S3Object) -> Iterator[tuple[str | None, str | None]]:
    """Yield the reason of each document. A line that is not one has none, as in DuckDB."""
    try:
        for line in lake.lines(found.key):
            try:
                reason = decode_json(_REASONS, line)
            except NotJsonError:
                reason = FailureReason()
            yield reason.error_code, reason.error_message
    except UnreadableObjectError:
        return


def _nulls_last(text: str | None) -> tuple[bool, str]:
    return text is None, text or ""
