"""One event, sent as a page sends it and found in S3: what a deploy ends with."""

import base64
import gzip
import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import boto3

from clicklake.deploy.aws_cli import DeployError

# A type of its own and the agent of a robot: no count of clicks or people has it in it.
EVENT_TYPE = "deploy_check"
USER_AGENT = "clicklake-deploy/1 (bot)"
ANSWER_SECONDS = 30
GZIP = b"\x1f\x8b"
CLOCKS_DIFFER = timedelta(minutes=5)  # this machine's and S3's, at most
FIRST_ANSWER_TRIES = 5  # a new API, role or function may take some seconds until it is known everywhere


def check_stage(api_url: str, bucket: str, delivery_seconds: float, edge_secret: str) -> float:
    """Seconds from the answer to the line in S3. Raises DeployError without one."""
    sent = datetime.now(UTC)
    event_id = _send(f"{api_url}/clicks", edge_secret)
    start = time.monotonic()
    while time.monotonic() - start < delivery_seconds:
        if any(event_id.encode() in body for body in _recent(bucket, "clicks", sent)):
            return time.monotonic() - start
        for document in _recent(bucket, "failed/processing-failed", sent):
            if reason := _failure(document, event_id):
                raise DeployError(f"the processor does not work. Firehose says of it: {reason}")
        time.sleep(1)
    raise DeployError(
        f"event {event_id} was accepted, but did not land in s3://{bucket}: see the stream's log"
    )


def _send(url: str, edge_secret: str) -> str:
    event_id = str(uuid.uuid4())
    body = json.dumps({"type": EVENT_TYPE, "userId": "guest", "eventId": event_id}).encode()
    headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
    headers["X-Clicklake-Edge"] = edge_secret  # CloudFront may not know the new API yet
    request = Request(url, data=body, headers=headers, method="PUT")  # noqa: S310 (the API that we deployed)
    for attempt in range(1, FIRST_ANSWER_TRIES + 1):
        try:
            with urlopen(request, timeout=ANSWER_SECONDS):  # noqa: S310
                return event_id
        except HTTPError as error:
            refusal = f"{error.code} {error.read().decode(errors='replace')}"
        except URLError as error:
            refusal = str(error.reason)
        if attempt < FIRST_ANSWER_TRIES:
            time.sleep(2)
    raise DeployError(f"{url} does not take a click: {refusal}")


def _recent(bucket: str, prefix: str, sent: datetime) -> Iterator[bytes]:
    """What was written since then, of the days since then; not every emulator compresses it."""
    s3 = boto3.client("s3")
    for day in {f"{moment:%Y-%m-%d}" for moment in (sent, datetime.now(UTC))}:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/dt={day}/")
        for found in (each for page in pages for each in page.get("Contents", [])):
            if found["LastModified"] > sent - CLOCKS_DIFFER:
                body = s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
                yield gzip.decompress(body) if body.startswith(GZIP) else body


def _failure(document: bytes, event_id: str) -> str | None:
    """Why the event failed, if the document, of a line per record, is of it."""
    for line in document.decode().splitlines():
        failed = json.loads(line)
        if event_id.encode() in base64.b64decode(failed["rawData"]):
            return str(failed["errorMessage"])
    return None
