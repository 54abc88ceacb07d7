"""New objects in the place of old ones, such that at every instant each line is in the lake, in one or both.

The new ones are put; a note of what they replace is put; the old ones are deleted; the note is. What a killed
run left, the next one finishes by its note.
"""

import gzip
import json
import shutil
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import IO
from uuid import uuid4

from clicklake.lake.bucket import Lake

NOTES = "reenriching/"
MAX_OBJECT_BYTES = 64 * 1024 * 1024  # of lines, as the delivery stream's buffer


class Replacement:
    """Of objects in one folder; nothing is deleted before `finish`."""

    def __init__(self, lake: Lake, folder: str) -> None:
        self._lake, self._folder = lake, folder
        self._body: IO[bytes] = TemporaryFile()  # noqa: SIM115 (it lasts as long as we do: see close)
        self._mark = 0
        self._old: list[str] = []
        self._new: list[str] = []

    def add(self, line: bytes) -> None:
        self._body.write(line + b"\n")

    def replace(self, key: str) -> None:
        """The lines since the last call stand for that object's."""
        self._old.append(key)
        self._mark = self._body.tell()
        if self._mark >= MAX_OBJECT_BYTES:
            self._put()

    def leave(self) -> None:
        """The lines since the last call are dropped: their object stays."""
        self._body.seek(self._mark)
        self._body.truncate()

    def finish(self) -> None:
        if self._mark:
            self._put()
        if self._old:
            note = f"{NOTES}{uuid4()}.json"
            body = json.dumps({"new": self._new, "old": self._old}).encode()
            self._lake.s3.put_object(Bucket=self._lake.bucket, Key=note, Body=body)
            settle(self._lake, note)

    def close(self) -> None:
        self._body.close()

    def _put(self) -> None:
        key = f"{self._folder}reenriched-{datetime.now(UTC):%Y-%m-%d-%H-%M-%S}-{uuid4()}.gz"
        self._body.seek(0)
        with TemporaryFile() as packed:
            with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0) as lines:
                shutil.copyfileobj(self._body, lines)
            packed.seek(0)
            self._lake.s3.put_object(Bucket=self._lake.bucket, Key=key, Body=packed, ContentEncoding="gzip")
        self._new.append(key)
        self._mark = 0
        self.leave()


def settle(lake: Lake, note: str) -> None:
    """Delete what the note says is replaced, unless what replaces it is not there."""
    said = json.loads(b"".join(lake.read(note)))
    if all(lake.metadata(key) is not None for key in said["new"]):
        lake.delete(said["old"])
    lake.delete([note])


def settle_all(lake: Lake) -> int:
    """What earlier runs left; how many they were."""
    notes = [each.key for each in lake.objects(NOTES)]
    for note in notes:
        settle(lake, note)
    return len(notes)
