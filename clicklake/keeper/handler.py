"""The keeper's function: schedules start it, each with the name of a job.

compact     every hour: bring columns/ up to date
reconcile   every day: prove that no click of the last days is missing
key         every day: turn the visitor key of a stage that had no request
mail        every morning: yesterday's figures in ten lines
replay      every hour, if AutoReplay is on: put failed records back, once, when their cause is over

Each job is a module here. Running any event again is safe.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from clicklake.keeper.auto_replay import run_replay
from clicklake.keeper.compaction import run_compact
from clicklake.keeper.invocation import Event, Invocation, KeeperError, LambdaContext
from clicklake.keeper.key import run_key
from clicklake.keeper.mail import run_mail
from clicklake.keeper.reconciliation import run_reconcile
from clicklake.keeper.settings import keeper_settings
from clicklake.lake.bucket import find_lake
from clicklake.lake.loopback import new_client
from clicklake.tables.parquet_cache import ParquetCache

Job = Callable[[Invocation, Event], dict[str, Any]]

JOBS: Mapping[str, Job] = {
    "compact": run_compact,
    "reconcile": run_reconcile,
    "key": run_key,
    "mail": run_mail,
    "replay": run_replay,
}

MAX_CACHE_BYTES = 1_000_000_000

logging.getLogger("clicklake.keeper").setLevel(logging.INFO)


def lambda_handler(event: Event, context: LambdaContext) -> dict[str, Any]:
    """Return what was done. Raises KeeperError if the event is malformed, or if a part of the job failed."""
    return run(event, context, datetime.now(UTC))


def run(event: Event, context: LambdaContext, now: datetime) -> dict[str, Any]:
    """Run the event's job as if it were `now`."""
    name = str(event.get("job"))
    if name not in JOBS:
        raise KeeperError(f"job is {event.get('job')!r}; it must be one of {', '.join(JOBS)}")
    settings = keeper_settings()
    lake = find_lake("", settings.bucket, new_client)
    try:
        return JOBS[name](Invocation(lake, settings, context, now), event)
    finally:  # /tmp stays for the next invocation, and DuckDB needs most of it
        ParquetCache(lake, max_bytes=MAX_CACHE_BYTES, shows_progress=False).prune()
