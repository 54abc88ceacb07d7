"""The last step of a deployment: send one event as a page does, and wait until it is in S3."""

import base64
import gzip
import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError, URLError
from urllib.request import Request

from clicklake.deploy.aws import Aws, DeployError
from clicklake.lake.loopback import open_url

# A type of its own and a bot's user agent: no report counts the event as a click or as a visitor.
EVENT_TYPE = "deploy_check"
USER_AGENT = "clicklake-deploy/1 (bot)"
RESPONSE_SECONDS = 30
POLL_SECONDS = 0.5
GZIP = b"\x1f\x8b"
MAX_CLOCK_DIFFERENCE = timedelta(minutes=5)  # between this machine and S3
SEND_ATTEMPTS = 5  # a new API, role or function can take some seconds to work everywhere
SEND_RETRY_SECONDS = 2


def check_stage(aws: Aws, api_url: str, edge_secret: str, bucket: str, delivery_seconds: float) -> float:
    """Send an event and return the seconds until its line was in S3.

    Raises DeployError if the API refuses the event, the processor fails it, or it does not arrive in time.
    """
    sent = datetime.now(UTC)
    event_id = _send(f"{api_url}/clicks", edge_secret)
    start = time.monotonic()
    while time.monotonic() - start < delivery_seconds:
        if any(event_id.encode() in body for body in _recent_objects(aws, bucket, "clicks", sent)):
            return time.monotonic() - start
        for document in _recent_objects(aws, bucket, "failed/processing-failed", sent):
            if reason := _failure_reason(document, event_id):
                raise DeployError(f"the processor does not work; Firehose reports: {reason}")
        time.sleep(POLL_SECONDS)
    raise DeployError(
        f"event {event_id} was accepted, but did not arrive in s3://{bucket}; see the delivery stream's log"
    )


def _send(url: str, edge_secret: str) -> str:
    event_id = str(uuid.uuid4())
    body = json.dumps({"type": EVENT_TYPE, "userId": "guest", "eventId": event_id}).encode()
    headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
    headers["X-Clicklake-Edge"] = edge_secret  # with REQUIRE_EDGE the API refuses other requests
    request = Request(url, data=body, headers=headers, method="PUT")  # noqa: S310 (the API that we deployed)
    for attempt in range(1, SEND_ATTEMPTS + 1):
        try:
            with open_url(request, timeout=RESPONSE_SECONDS):
                return event_id
        except HTTPError as error:
            refusal = f"{error.code} {error.read().decode(errors='replace')}"
        except URLError as error:
            refusal = str(error.reason)
        if attempt < SEND_ATTEMPTS:
            time.sleep(SEND_RETRY_SECONDS)
    raise DeployError(f"{url} does not accept a click: {' '.join(refusal.split())}")


def _recent_objects(aws: Aws, bucket: str, prefix: str, sent: datetime) -> Iterator[bytes]:
    """Yield the objects written since `sent`, decompressed. Some emulators do not compress."""
    s3 = aws.client("s3")
    for day in {f"{moment:%Y-%m-%d}" for moment in (sent, datetime.now(UTC))}:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/dt={day}/")
        for found in (entry for page in pages for entry in page.get("Contents", [])):
            if found["LastModified"] > sent - MAX_CLOCK_DIFFERENCE:
                body = s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
                yield gzip.decompress(body) if body.startswith(GZIP) else body


def _failure_reason(document: bytes, event_id: str) -> str | None:
    """Return why the event failed, if this error document (one JSON line per record) is about it."""
    for line in document.decode().splitlines():
        failed = json.loads(line)
        if event_id.encode() in base64.b64decode(failed["rawData"]):
            return str(failed["errorMessage"])
    return None
