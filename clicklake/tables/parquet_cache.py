"""Keep closed hours on this machine: their Parquet is downloaded once, until the object changes.

Days that are made of them (day_files.py) are kept here too.

The files hold clicks, so only their owner can read them: docs/privacy.md.
"""

import hashlib
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from shutil import copyfile, rmtree
from tempfile import NamedTemporaryFile

from clicklake.cli.console import progress
from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.partitions import partition_of

ANSWERS = "answers"  # the folder beside, in which the dashboard keeps what it was told
MAX_BYTES = 10_000_000_000
DOWNLOADS = 8  # at once
STILL_READ_SECONDS = 3600  # an older version that another process used so recently stays


def cache_folder(lake: Lake) -> Path:
    """Return the folder for this bucket at this endpoint; buckets of two accounts can have one name."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "clicklake"
    endpoint = hashlib.sha256(lake.s3.meta.endpoint_url.encode()).hexdigest()[:12]
    return root / f"{lake.bucket}-{endpoint}"


class ParquetCache:
    """Files of one lake, one per hour and version of its object: dt=…/hr=…/<etag>.parquet.

    And one per day: days/2026-11-24/<name>.parquet.
    """

    def __init__(
        self,
        lake: Lake,
        folder: Path | None = None,
        max_bytes: int = MAX_BYTES,
        *,
        shows_progress: bool = True,
    ) -> None:
        self._lake, self._max_bytes, self._shows_progress = lake, max_bytes, shows_progress
        self.folder = folder or cache_folder(lake)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)

    def fetch(self, objects: Mapping[datetime, S3Object]) -> dict[datetime, Path]:
        """Return the objects' files, after downloading those that are not here.

        Raises ObjectGoneError if an object was replaced or deleted since it was listed.
        """
        files = {hour: self._file(hour, found.etag) for hour, found in objects.items()}
        missing = [hour for hour, file in files.items() if not file.exists()]
        if missing:
            with progress(is_shown=self._shows_progress) as bar, ThreadPoolExecutor(DOWNLOADS) as threads:
                fetched = threads.map(lambda hour: self._download(objects[hour], files[hour]), missing)
                for _ in bar.track(fetched, total=len(missing), description="columns"):
                    pass
        for file in files.values():
            self.touch(file)
        if missing:
            self.prune(keep=files.values())
        return files

    def store(self, hour: datetime, etag: str, written: Path) -> Path:
        """Keep a file that was just put, so that nothing has to download it."""
        file = self._file(hour, etag)
        with self.new_file(file) as new:
            copyfile(written, new)
        return file

    def touch(self, file: Path) -> None:
        """Say that the file is used: `prune` deletes those that were used least recently."""
        with suppress(OSError):
            os.utime(file)

    def forget(self, hour: datetime) -> None:
        """Delete every version of the hour and of its day, and all answers."""
        rmtree(self.folder / ANSWERS, ignore_errors=True)
        for folder in (self.folder / partition_of(hour), self._day(hour.date())):
            for file in folder.glob("*.parquet"):
                file.unlink(missing_ok=True)

    def day_file(self, day: date, name: str) -> Path:
        """Return where a day's file of that name is, or will be."""
        return self._day(day) / f"{name}.parquet"

    def prune(self, keep: Iterable[Path] = ()) -> None:
        """Delete the files that were used least recently, until the others are within the limit."""
        kept = set(keep)
        found = []
        for file in (*self.folder.glob("dt=*/hr=*/*.parquet"), *self.folder.glob("days/*/*.parquet")):
            with suppress(OSError):  # another process prunes too
                stat = file.stat()
                found.append((stat.st_mtime, stat.st_size, file))
        total = sum(size for _, size, _ in found)
        for _, size, file in sorted(found):
            if total <= self._max_bytes:
                return
            if file not in kept:
                file.unlink(missing_ok=True)
                total -= size

    def _file(self, hour: datetime, etag: str) -> Path:
        return self.folder / partition_of(hour) / f"{re.sub(r'[^0-9A-Za-z-]', '', etag)}.parquet"

    def _download(self, found: S3Object, file: Path) -> None:
        with self.new_file(file) as new, new.open("wb") as body:
            body.writelines(self._lake.read_raw(found.key, if_match=found.etag))

    @contextmanager
    def new_file(self, file: Path) -> Iterator[Path]:
        """Let the caller write the file, which then appears whole; delete older versions beside it."""
        file.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=file.parent, prefix="new-", delete=False) as empty:
            new = Path(empty.name)
        try:
            yield new
            new.replace(file)
        finally:
            new.unlink(missing_ok=True)
        unused = time.time() - STILL_READ_SECONDS
        for other in file.parent.iterdir():
            with suppress(OSError):
                if other != file and other.stat().st_mtime < unused:
                    other.unlink()

    def _day(self, day: date) -> Path:
        return self.folder / "days" / day.isoformat()
