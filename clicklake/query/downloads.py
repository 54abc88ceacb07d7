"""Objects of the lake as plain files on disk, for who reads files better than streams."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from botocore.exceptions import ClientError

from clicklake.cli.console import progress
from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.object_stream import CORRUPT_OBJECT_ERRORS

DOWNLOADS = 8  # at once
AHEAD_BYTES = 32 * 1024 * 1024  # of objects as they are stored, fetched while DuckDB reads those before them
BATCH_BYTES = 256 * 1024 * 1024  # inflated; DuckDB writes many lines at once, and keeps few in memory

_UNREADABLE: tuple[type[Exception], ...] = (*CORRUPT_OBJECT_ERRORS, ClientError)


class Inflated(NamedTuple):
    key: str
    file: Path
    size: int | None  # None: it is broken off, damaged, or must not be read


def inflated_batches(
    lake: Lake, objects: list[S3Object], folder: Path, label: str
) -> Iterator[list[Inflated]]:
    """All the objects. A file is named by its key, quoted, and is gone when the next batch is asked for."""

    def fetch(stored: S3Object) -> Inflated:
        file = folder / f"{quote(stored.key, safe='=')}.json"
        try:
            with file.open("wb") as inflated:
                inflated.writelines(lake.read(stored.key))
        except _UNREADABLE:
            return Inflated(stored.key, file, None)
        return Inflated(stored.key, file, file.stat().st_size)

    with progress() as bar, ThreadPoolExecutor(DOWNLOADS) as threads:
        fetched = bar.track(_ahead(threads, fetch, objects), total=len(objects), description=label)
        for batch in _batches(fetched):
            yield batch
            for each in batch:
                each.file.unlink(missing_ok=True)


def _ahead(
    threads: ThreadPoolExecutor, fetch: Callable[[S3Object], Inflated], objects: Iterable[S3Object]
) -> Iterator[Inflated]:
    """The files in the objects' order; some are fetched while others are read."""
    begun: deque[tuple[int, Future[Inflated]]] = deque()
    begun_bytes = 0
    for stored in objects:
        begun.append((stored.size, threads.submit(fetch, stored)))
        begun_bytes += stored.size
        while begun_bytes > AHEAD_BYTES and len(begun) > DOWNLOADS:
            size, fetched = begun.popleft()
            begun_bytes -= size
            yield fetched.result()
    while begun:
        yield begun.popleft()[1].result()


def _batches(files: Iterable[Inflated]) -> Iterator[list[Inflated]]:
    batch: list[Inflated] = []
    batch_bytes = 0
    for file in files:
        batch.append(file)
        batch_bytes += file.size or 0
        if batch_bytes >= BATCH_BYTES:
            yield batch
            batch, batch_bytes = [], 0
    if batch:
        yield batch
