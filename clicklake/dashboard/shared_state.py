"""What all instances of a deployed dashboard share: small JSON objects under dashboard/ in the lake's bucket.

Nothing is locked. Whoever changes an object says which version it has read, and S3 refuses the change if
another came first.
"""

import json
import random
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from clicklake.lake.bucket import Lake

FOLDER = "dashboard/"
MAX_TRIES = 12
RETRY_SECONDS = 0.02  # doubled with every try, and at most ten times as long
_CONFLICTS = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
_MISSING = ("NoSuchKey", "404")

Document = dict[str, Any]


class StateConflictError(Exception):
    """Others change the object too often. Whoever asked may try again."""


class Stored(NamedTuple):
    """An object's content and version. Both are None if there is no such object."""

    document: Document | None
    etag: str | None


class SharedState:
    def __init__(self, lake: Lake) -> None:
        self._s3, self._bucket = lake.s3, lake.bucket

    def read(self, name: str) -> Stored:
        try:
            found = self._s3.get_object(Bucket=self._bucket, Key=FOLDER + name)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return Stored(None, None)
            raise
        try:
            document = json.loads(found["Body"].read())
        except ValueError:
            document = {}
        return Stored(document if isinstance(document, dict) else {}, found["ETag"])

    def replace(self, name: str, document: Document, etag: str | None) -> bool:
        """Write the object if it still has this version (None: if there is none). Return whether it did."""
        condition: dict[str, Any] = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        body = json.dumps(document, separators=(",", ":")).encode()
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=FOLDER + name,
                Body=body,
                ContentType="application/json",
                **condition,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in (*_CONFLICTS, *_MISSING):
                return False
            raise
        return True

    def change(self, name: str, change: Callable[[Document], Document]) -> Document:
        """Replace the object's content by `change` of it, as often as needed. Return the new content.

        Raises what `change` raises; then nothing is written. Raises StateConflictError.
        """
        wait = RETRY_SECONDS
        for _ in range(MAX_TRIES):
            stored = self.read(name)
            changed = change(stored.document or {})
            if self.replace(name, changed, stored.etag):
                return changed
            time.sleep(wait * random.random())  # noqa: S311 (spreads the tries)
            wait = min(2 * wait, 10 * RETRY_SECONDS)
        raise StateConflictError(name)
