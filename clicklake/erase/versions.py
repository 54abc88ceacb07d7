"""Every version of every object that may hold a person: searched, written anew without them, removed."""

import gzip
from collections.abc import Iterable, Iterator
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from clicklake.erase.query_results import RowEraser, is_csv, rows
from clicklake.erase.redactor import Eraser, split_lines
from clicklake.errors import CommandError
from clicklake.lake.bucket import GZIP_MAGIC, Lake

# clicks/ at last: a click that is in raw/ alone would be called missing by reconcile, or be enriched again.
FOLDERS = ("raw/", "failed/", "replayed/", "parked/", "clicks/")
RESULTS = "athena/"


class Version(NamedTuple):
    key: str
    id: str  # "null" where the bucket keeps no versions
    is_current: bool


def versions(lake: Lake, folder: str) -> Iterator[Version]:
    pages = lake.s3.get_paginator("list_object_versions").paginate(Bucket=lake.bucket, Prefix=folder)
    for page in pages:
        for each in page.get("Versions", []):
            yield Version(each["Key"], each["VersionId"], each["IsLatest"])


def left_of(lake: Lake, version: Version, eraser: Eraser) -> Iterator[bytes]:
    """What is left of each line, in order."""
    folder = version.key.partition("/")[0]
    erase = {"clicks": eraser.from_line, "raw": eraser.from_record}.get(folder, eraser.from_document)
    for block in lake.blocks(version.key, version.id):
        yield from map(erase, split_lines(block))


def left_of_result(lake: Lake, version: Version, eraser: RowEraser) -> Iterator[bytes]:
    """What is left of each row of a query's result; of another file, nothing if it may hold the person."""
    if is_csv(version.key):
        yield from map(eraser.from_row, rows(lake.blocks(version.key, version.id)))
    elif not eraser.is_in(lake.blocks(version.key, version.id)):
        yield from lake.blocks(version.key, version.id)


def result_holds(lake: Lake, version: Version, eraser: RowEraser) -> bool:
    blocks = lake.blocks(version.key, version.id)
    if is_csv(version.key):
        return any(not eraser.from_row(row) for row in rows(blocks))
    return eraser.is_in(blocks)


def replace(lake: Lake, version: Version, left: Iterable[bytes]) -> None:
    """Put what is left as the newest version, then remove this one for good. An older one just goes."""
    if not version.is_current:
        _remove(lake, version)
        return
    head = lake.s3.head_object(Bucket=lake.bucket, Key=version.key)
    if head.get("VersionId", "null") != version.id:
        raise CommandError(f"{version.key} was written meanwhile; run this again when nothing else runs")
    with TemporaryFile() as body:
        packed = next(lake.stored(version.key, version.id), b"").startswith(GZIP_MAGIC)
        if _write(left, body, packed=packed):
            body.seek(0)
            new = lake.s3.put_object(
                Bucket=lake.bucket,
                Key=version.key,
                Body=body,
                ContentType=head["ContentType"],
                ContentEncoding=head.get("ContentEncoding", ""),
                Metadata=head["Metadata"],
            ).get("VersionId")
        else:  # a delete marker first: the version before this one must not come back
            new = lake.s3.delete_object(Bucket=lake.bucket, Key=version.key).get("VersionId")
    if new not in (None, version.id):  # else the bucket keeps no versions, and this one is gone
        _remove(lake, version)


def _remove(lake: Lake, version: Version) -> None:
    lake.s3.delete_object(Bucket=lake.bucket, Key=version.key, VersionId=version.id)


def _write(left: Iterable[bytes], body: IO[bytes], *, packed: bool) -> bool:
    """Whether there was anything."""
    target = gzip.GzipFile(fileobj=body, mode="wb", mtime=0) if packed else body
    written = sum(target.write(piece) for piece in left)
    if packed:
        target.close()
    return written > 0
