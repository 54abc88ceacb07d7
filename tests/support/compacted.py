"""Bring a test's lake into a state: its hours in columns/, all of them or some."""

from datetime import UTC, datetime

from clicklake.compact.compactor import CompactionSummary, Compactor
from clicklake.compact.plan import read_state
from clicklake.lake.bucket import Lake
from clicklake.lake.columns import columns_key, list_columns
from clicklake.lake.partitions import Span


def compact_span(lake: Lake, span: Span) -> CompactionSummary:
    """Compact every closed hour of the span, oldest first."""
    state = read_state(lake, span, None)
    compactor = Compactor(lake, state)
    for hour in state.to_compact(span, datetime.now(UTC)):
        compactor.compact(hour)
    return compactor.summary


def drop_columns(lake: Lake, span: Span, every: int) -> int:
    """Delete every n-th object of the span, as if those hours had not been compacted. Return how many."""
    hours = [*list_columns(lake, span)][::every]
    for hour in hours:
        lake.s3.delete_object(Bucket=lake.bucket, Key=columns_key(hour))
    return len(hours)
