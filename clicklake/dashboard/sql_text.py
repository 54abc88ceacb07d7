"""A panel's question as text: for `clicklake query` with the view's days, or for Athena's console."""

import shlex
from datetime import tzinfo

from sqlglot import exp

from clicklake.lake.partitions import Span


def sql_of(query: exp.Query) -> str:
    """Return the question in Athena's SQL, over the views events and human_events."""
    return query.sql("athena", pretty=True)


def command_of(query: exp.Query, span: Span, zone: tzinfo, where: str) -> str:
    """Return the command that asks the same on a machine. `where` is its --stage or --bucket."""
    first, last = span.since.strftime("%Y-%m-%dT%H:%M+00:00"), span.until.strftime("%Y-%m-%dT%H:%M+00:00")
    options = f"--from {first} --to {last} --timezone {zone} {where}"
    return f"clicklake query {shlex.quote(query.sql('athena', comments=False))} {options}"
