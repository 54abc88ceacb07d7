"""Objects of the lake as plain files on disk, for who reads files better than streams."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import quote

from botocore.exceptions import ClientError

from ops.lake import BROKEN, Lake, Stored
from ops.screen import progress

DOWNLOADS = 8  # at once; as many again wait to be read
BATCH_BYTES = 256 * 1024 * 1024  # inflated; DuckDB writes many lines at once, and keeps few in memory

_UNREADABLE: tuple[type[Exception], ...] = (*BROKEN, ClientError)

T = TypeVar("T")
U = TypeVar("U")


class Inflated(NamedTuple):
    key: str
    file: Path
    size: int | None  # None: it is broken off, damaged, or must not be read


def inflated_batches(lake: Lake, objects: list[Stored], folder: Path, label: str) -> Iterator[list[Inflated]]:
    """All the objects. A file is named by its key, quoted, and is gone when the next batch is asked for."""

    def fetch(stored: Stored) -> Inflated:
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


def _ahead(threads: ThreadPoolExecutor, work: Callable[[T], U], items: Iterable[T]) -> Iterator[U]:
    """The results in order; some are worked on while others are read."""
    begun: deque[Future[U]] = deque()
    for item in items:
        begun.append(threads.submit(work, item))
        if len(begun) > 2 * DOWNLOADS:
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()


def _batches(files: Iterable[Inflated]) -> Iterator[list[Inflated]]:
    batch: list[Inflated] = []
    for file in files:
        batch.append(file)
        if sum(each.size or 0 for each in batch) >= BATCH_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch
