"""Append lines to an S3 object: existing lines are kept and new ones added at the end."""

import hashlib
from collections import Counter
from tempfile import SpooledTemporaryFile

from clicklake.lake.bucket import Lake

IN_MEMORY_BYTES = 8 * 1024 * 1024  # a larger body is kept on disk until it is written


class AppendableObject:
    """One uncompressed object, as error documents are. Nothing reaches the lake before `commit`."""

    def __init__(self, lake: Lake, key: str) -> None:
        """Begin an object without lines. `open` begins with those that are there."""
        self._lake, self._key = lake, key
        self._body = SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 (open until close)
        self._unmatched: Counter[bytes] = Counter()  # existing lines that no `append` has named yet
        self.metadata: dict[str, str] = {}
        self.lines = self.appended = 0

    @classmethod
    def open(cls, lake: Lake, key: str) -> "AppendableObject":
        """Begin with the lines of the object that is there now, if there is one."""
        opened = cls(lake, key)
        metadata = lake.metadata(key)
        if metadata is not None:
            opened.metadata = metadata
            for line in lake.lines(key):
                opened._write(line)
                opened._unmatched[_digest(line)] += 1
        return opened

    def append(self, line: bytes) -> bool:
        """Return False if the object already contained this line.

        Identical lines are matched one for one (multiset semantics).
        """
        digest = _digest(line)
        if self._unmatched[digest]:
            self._unmatched[digest] -= 1
            return False
        self._write(line)
        self.appended += 1
        return True

    def commit(self) -> None:
        """Put the object; delete it if it has no line."""
        if self.lines:
            self._body.seek(0)
            self._lake.s3.put_object(
                Bucket=self._lake.bucket, Key=self._key, Body=self._body, Metadata=self.metadata
            )
        else:
            self._lake.s3.delete_object(Bucket=self._lake.bucket, Key=self._key)

    def close(self) -> None:
        self._body.close()

    def _write(self, line: bytes) -> None:
        self._body.write(line + b"\n")
        self.lines += 1


def _digest(line: bytes) -> bytes:
    return hashlib.blake2b(line, digest_size=16).digest()
