"""Replace objects without ever losing a line.

Write the new objects, record a manifest of what they replace, delete the old objects, then delete the
manifest. An interrupted run is completed from its manifest.
"""

import gzip
import json
import shutil
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import IO
from uuid import uuid4

from clicklake.lake.bucket import Lake

MANIFEST_PREFIX = "reenriching/"
MAX_OBJECT_BYTES = 64 * 1024 * 1024  # of lines, as the delivery stream's buffer


class ObjectSwap:
    """Replaces objects of one partition. Nothing is deleted before `finish`."""

    def __init__(self, lake: Lake, partition: str) -> None:
        self._lake, self._partition = lake, partition
        self._body: IO[bytes] = TemporaryFile()  # noqa: SIM115 (open until close)
        self._mark = 0  # where the lines of the current object begin
        self._old: list[str] = []
        self._new: list[str] = []

    def add(self, line: bytes) -> None:
        self._body.write(line + b"\n")

    def replace(self, key: str) -> None:
        """Let the lines added since the last call replace this object."""
        self._old.append(key)
        self._mark = self._body.tell()
        if self._mark >= MAX_OBJECT_BYTES:
            self._put()

    def discard(self) -> None:
        """Drop the lines added since the last call: their object stays."""
        self._body.seek(self._mark)
        self._body.truncate()

    def finish(self) -> None:
        if self._mark:
            self._put()
        if self._old:
            manifest = f"{MANIFEST_PREFIX}{uuid4()}.json"
            body = json.dumps({"new": self._new, "old": self._old}).encode()
            self._lake.s3.put_object(Bucket=self._lake.bucket, Key=manifest, Body=body)
            complete(self._lake, manifest)

    def close(self) -> None:
        self._body.close()

    def _put(self) -> None:
        key = f"{self._partition}reenriched-{datetime.now(UTC):%Y-%m-%d-%H-%M-%S}-{uuid4()}.gz"
        self._body.seek(0)
        with TemporaryFile() as packed:
            with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0) as lines:
                shutil.copyfileobj(self._body, lines)
            packed.seek(0)
            self._lake.s3.put_object(Bucket=self._lake.bucket, Key=key, Body=packed, ContentEncoding="gzip")
        self._new.append(key)
        self._mark = 0
        self.discard()


def complete(lake: Lake, manifest: str) -> None:
    """Delete the objects that the manifest lists as old, unless a new one is not there."""
    keys = json.loads(b"".join(lake.read(manifest)))
    if all(lake.metadata(key) is not None for key in keys["new"]):
        lake.delete(keys["old"])
    lake.delete([manifest])


def complete_all(lake: Lake) -> int:
    """Complete what interrupted runs left. Return how many manifests there were."""
    manifests = [found.key for found in lake.objects(MANIFEST_PREFIX)]
    for manifest in manifests:
        complete(lake, manifest)
    return len(manifests)
