"""Objects of lines that are written anew: what they hold stays, what comes is added behind."""

import hashlib
from collections import Counter
from tempfile import SpooledTemporaryFile

from clicklake.lake.bucket import Lake

IN_MEMORY_BYTES = 8 * 1024 * 1024  # what is more lies on disk until it is written


class Pile:
    """One object, plain as error documents are. Nothing reaches the lake before `write`."""

    def __init__(self, lake: Lake, key: str) -> None:
        self._lake, self._key = lake, key
        self._body = SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 (it lasts as long as we do: see close)
        self._held: Counter[bytes] = Counter()
        self.metadata: dict[str, str] = {}
        self.lines = self.added = 0

    @classmethod
    def of(cls, lake: Lake, key: str) -> "Pile":
        """Begin with the lines of the object that is there now, if one is."""
        pile = cls(lake, key)
        metadata = lake.metadata(key)
        if metadata is not None:
            pile.metadata = metadata
            for line in lake.lines(key):
                pile._append(line)
                pile._held[_digest(line)] += 1
        return pile

    def add(self, line: bytes) -> bool:
        """False where the object held the line already. Lines can be alike: each is found again once."""
        digest = _digest(line)
        if self._held[digest]:
            self._held[digest] -= 1
            return False
        self._append(line)
        self.added += 1
        return True

    def write(self) -> None:
        """Put the object; without any line, take it away."""
        if self.lines:
            self._body.seek(0)
            self._lake.s3.put_object(
                Bucket=self._lake.bucket, Key=self._key, Body=self._body, Metadata=self.metadata
            )
        else:
            self._lake.s3.delete_object(Bucket=self._lake.bucket, Key=self._key)

    def close(self) -> None:
        self._body.close()

    def _append(self, line: bytes) -> None:
        self._body.write(line + b"\n")
        self.lines += 1


def _digest(line: bytes) -> bytes:
    return hashlib.blake2b(line, digest_size=16).digest()
