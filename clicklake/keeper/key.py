"""The keeper's job at midnight UTC: overwrite yesterday's visitor key on a stage that has no request.

    {"job": "key"}

The ingest app does so at the first request of a day. Without requests, an old key would stay, and whoever
got it could compute the visitor ids of all days since. docs/decisions/visitor-key.md.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from clicklake.keeper.invocation import Event, Invocation, KeeperError
from clicklake.keeper.metrics import to_emf
from clicklake.keeper.results import put_result
from clicklake.privacy.visitor_key import VisitorKeyItem

JOB = "key"


def run_key(invocation: Invocation, event: Event) -> dict[str, Any]:
    """Return the day of the stored key, None if there is none yet. Raises KeeperError."""
    table = invocation.settings.visitor_key_table
    if not table:
        raise KeeperError("VISITOR_KEY_TABLE is not set: it names the table with the visitor key")
    today = invocation.now.date()
    outputs = {"VisitorKeyTableName": table}
    item = VisitorKeyItem(replace(invocation.lake, outputs=outputs, client=invocation.client))
    was_turned = item.advance(today)
    stored = item.read()
    document = {"job": JOB, "day": str(today), "keyOf": str(stored.day) if stored else None}
    put_result(invocation.lake, JOB, today, document)
    counts = {"KeyTurned": int(was_turned)}
    print(to_emf(invocation.context.function_name, JOB, counts, datetime.now(UTC)), flush=True)
    return document
