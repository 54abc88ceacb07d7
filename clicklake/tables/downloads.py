"""Download and decompress objects to temporary files, because DuckDB's JSON reader wants files."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from botocore.exceptions import ClientError

from clicklake.cli.console import progress
from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.object_stream import UnreadableObjectError

DOWNLOADS = 8  # at once
MAX_PARTITION_CHARACTERS = 40  # of clicks/dt=…/hr=…, and enough to recognize another folder
AHEAD_BYTES = 32 * 1024 * 1024  # of stored objects, fetched while DuckDB reads the ones before them
BATCH_BYTES = 256 * 1024 * 1024  # decompressed; DuckDB writes many lines at once and keeps few in memory


class Download(NamedTuple):
    key: str
    file: Path
    size: int | None  # decompressed; None if the object is truncated, damaged or may not be read


def download_batches(
    lake: Lake, objects: list[S3Object], folder: Path, label: str | None
) -> Iterator[list[Download]]:
    """Yield all objects in batches; the next batch deletes the files of the one before.

    A file's name holds the partition, which DuckDB reads from it, and a number: a key can be longer than a
    file's name may be.
    """
    numbers = count()

    def fetch(found: S3Object) -> Download:
        partition, _, _ = found.key.rpartition("/")
        file = folder / f"{quote(partition[:MAX_PARTITION_CHARACTERS] + '/', safe='=')}{next(numbers)}.json"
        try:
            with file.open("wb") as content:
                content.writelines(lake.read(found.key))
        except (UnreadableObjectError, ClientError):
            return Download(found.key, file, None)
        return Download(found.key, file, file.stat().st_size)

    with progress(is_shown=label is not None) as bar, ThreadPoolExecutor(DOWNLOADS) as threads:
        fetched = bar.track(_ahead(threads, fetch, objects), total=len(objects), description=label or "")
        for batch in _batches(fetched):
            yield batch
            for download in batch:
                download.file.unlink(missing_ok=True)


def _ahead(
    threads: ThreadPoolExecutor, fetch: Callable[[S3Object], Download], objects: Iterable[S3Object]
) -> Iterator[Download]:
    """Yield the downloads in the objects' order, fetching some while others are read."""
    started: deque[tuple[int, Future[Download]]] = deque()
    started_bytes = 0
    for found in objects:
        started.append((found.size, threads.submit(fetch, found)))
        started_bytes += found.size
        while started_bytes > AHEAD_BYTES and len(started) > DOWNLOADS:
            size, download = started.popleft()
            started_bytes -= size
            yield download.result()
    while started:
        yield started.popleft()[1].result()


def _batches(downloads: Iterable[Download]) -> Iterator[list[Download]]:
    batch: list[Download] = []
    batch_bytes = 0
    for download in downloads:
        batch.append(download)
        batch_bytes += download.size or 0
        if batch_bytes >= BATCH_BYTES:
            yield batch
            batch, batch_bytes = [], 0
    if batch:
        yield batch
