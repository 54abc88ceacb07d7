"""The job that each peer does, less HTTP and AWS: Clicklake's own core, which is copied beside this file.

So the peers differ in their framework, their use of boto3 and their way of shipping, and in nothing else.
"""

from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from ingest_app.envelope import build_record
from ingest_app.parsing.schema import ClickSchema
from ingest_app.parsing.strict import StrictParser
from ingest_app.receipts import deduplicate_and_build_receipts
from ingest_app.sender import read_sender
from ingest_app.settings import IngestSettings
from ingest_app.visitor_keys import VisitorKeys

SETTINGS = IngestSettings.from_environment()
KEYS = VisitorKeys(None, datetime.now(UTC).date())

_parser = StrictParser(ClickSchema(SETTINGS))


def accept(body: bytes, address: str, agent: str) -> tuple[bytes, bytes]:
    """Answer the record to put and the body of the 202; raise for what is no valid click."""
    now = datetime.now(UTC)
    parsed = _parser.parse(body)
    sender = read_sender({"REMOTE_ADDR": address, "HTTP_USER_AGENT": agent}, SETTINGS, KEYS, now)
    clicks, response = deduplicate_and_build_receipts(parsed, str(uuid4()), len(body))
    record = build_record(sender, clicks, response.request_id, now, parsed.sent_at)
    return record, msgspec.json.encode(response)
