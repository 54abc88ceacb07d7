"""The job that each peer does, less HTTP and AWS: Clicklake's own core, which is copied beside this file.

So the peers differ in their framework, their use of boto3 and their way of shipping, and in nothing else.
"""

from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from ingest_app.clicks import GoodPath, Vocabulary
from ingest_app.envelope import build_record
from ingest_app.receipts import write_receipts
from ingest_app.sender import read_sender
from ingest_app.settings import Settings

SETTINGS = Settings.from_environment()

_good_path = GoodPath(Vocabulary(SETTINGS.item_id_field, SETTINGS.keep_query))


def accept(body: bytes, address: str, agent: str) -> tuple[bytes, bytes]:
    """Answer the record to put and the body of the 202; raise for what is no valid click."""
    now = datetime.now(UTC)
    batch = _good_path.parse(body)
    sender = read_sender({"REMOTE_ADDR": address, "HTTP_USER_AGENT": agent}, SETTINGS, now)
    clicks, answer = write_receipts(batch, str(uuid4()))
    record = build_record(sender, clicks, answer.request_id, now, batch.sent_at)
    return record, msgspec.json.encode(answer)
