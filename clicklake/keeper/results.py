"""What the keeper found: one JSON object per job and day, and the claims that keep two runs apart.

keeper/dt=YYYY-MM-DD/<job>.json           the result: a second run writes the same
keeper/dt=YYYY-MM-DD/running-<job>.json   a claim: a run of this job and day has begun, and has not ended

Nothing in a result says when the job ran. S3's LastModified does.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from clicklake.keeper.invocation import KeeperError
from clicklake.lake.bucket import Lake

FOLDER = "keeper/"
CLAIM_LIFETIME = timedelta(minutes=16)  # a run ends after Lambda's 15 minutes, whatever happens
MAX_ATTEMPTS = 5
LOST_RACE = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
NOT_FOUND = ("NoSuchKey", "404")

Document = dict[str, Any]


class KeptResult(NamedTuple):
    document: Document
    etag: str
    modified: datetime


def day_folder(day: date) -> str:
    return f"{FOLDER}dt={day}/"


def result_key(job: str, day: date) -> str:
    return f"{day_folder(day)}{job}.json"


def read_result(lake: Lake, key: str) -> KeptResult | None:
    """Return what is stored under the key; None if there is no such object, or it is not ours."""
    try:
        response = lake.s3.get_object(Bucket=lake.bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_FOUND:
            raise
        return None
    try:
        document = json.loads(response["Body"].read())
    except ValueError:
        document = None
    known = document if isinstance(document, dict) else {}
    return KeptResult(known, response["ETag"], response["LastModified"])


def put_json(lake: Lake, key: str, document: Document, replaces: KeptResult | None) -> bool:
    """Put the object if it is still as it was read. Return whether it was."""
    condition: Any = {"IfMatch": replaces.etag} if replaces else {"IfNoneMatch": "*"}
    body = json.dumps(document, indent=1, sort_keys=True).encode()
    try:
        lake.s3.put_object(
            Bucket=lake.bucket, Key=key, Body=body, ContentType="application/json", **condition
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in (*LOST_RACE, *NOT_FOUND):
            return False
        raise
    return True


def put_result(lake: Lake, job: str, day: date, document: Document) -> None:
    """Store the day's result. One that is not final never replaces one that is."""
    key = result_key(job, day)
    for _ in range(MAX_ATTEMPTS):
        stored = read_result(lake, key)
        if stored and stored.document.get("final") and not document.get("final"):
            return
        if put_json(lake, key, document, stored):
            return
    raise KeeperError(f"{key} changes as fast as it is written")


@contextmanager
def claimed(lake: Lake, job: str, day: date, request_id: str) -> Iterator[bool]:
    """Yield whether this run may do the job, and release the claim at the end.

    A schedule's event can arrive twice. Then the second run must not send a second mail. A run that was
    killed leaves its claim. Lambda's retry has the same request id and takes it over at once, any other run
    after 16 minutes.
    """
    key = f"{day_folder(day)}running-{job}.json"
    is_ours = _claim(lake, key, request_id)
    try:
        yield is_ours
    finally:
        if is_ours:
            lake.s3.delete_object(Bucket=lake.bucket, Key=key)


def _claim(lake: Lake, key: str, request_id: str) -> bool:
    stored = read_result(lake, key)
    if stored and stored.document.get("request") == request_id:
        return True
    if stored and datetime.now(UTC) - stored.modified < CLAIM_LIFETIME:
        return False
    return put_json(lake, key, {"request": request_id}, stored)
