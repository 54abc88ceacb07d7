"""Every version of every object that may hold a person: read it without them, and replace it."""

import gzip
from collections.abc import Iterable, Iterator
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from clicklake.erase.query_results import RowRedactor, is_csv, split_rows
from clicklake.erase.redactor import Redactor, split_lines
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.object_stream import GZIP_MAGIC

LINE_FOLDERS = ("raw/", "failed/", "replayed/", "parked/", "clicks/")
COLUMNS = "columns/"
FOLDERS = (*LINE_FOLDERS, COLUMNS)
RESULTS = "athena/"
MANIFESTS = "reenriching/"  # hold keys of objects, never a click

# Formats that are compressed inside, so that no text can be found in them.
BINARY_FORMATS = {b"PAR1": "Parquet", b"ORC": "ORC", b"Obj\x01": "Avro", b"PK\x03\x04": "zip"}
BINARY_FORMATS |= {b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


class ObjectVersion(NamedTuple):
    key: str
    id: str  # "null" if the bucket keeps no versions
    is_current: bool


def list_folders(lake: Lake) -> list[str]:
    """Return every folder at the top of the bucket, also those that only old versions are in.

    Athena's results come first: which of a person's events they name is known as long as the clicks are
    there. clicks/ comes after raw/: reconcile would call a click that is only in raw/ missing, and reenrich
    would bring it back. columns/ comes last: `compact` makes it of clicks/. "" stands for the objects that
    are in no folder.
    """
    pages = lake.s3.get_paginator("list_object_versions").paginate(Bucket=lake.bucket, Delimiter="/")
    found = {prefix["Prefix"] for page in pages for prefix in page.get("CommonPrefixes", [])}
    order = {"clicks/": 1, "columns/": 2}
    return sorted(found | {*FOLDERS, ""}, key=lambda folder: (order.get(folder, 0), folder))


def list_versions(lake: Lake, folder: str) -> Iterator[ObjectVersion]:
    """Yield the versions in a folder of the top; for "", those that are in no folder."""
    delimiter = "" if folder else "/"
    pages = lake.s3.get_paginator("list_object_versions").paginate(
        Bucket=lake.bucket, Prefix=folder, Delimiter=delimiter
    )
    for page in pages:
        for found in page.get("Versions", []):
            yield ObjectVersion(found["Key"], found["VersionId"], found["IsLatest"])


def folder_of(key: str) -> str:
    folder, slash, _ = key.partition("/")
    return folder + slash if slash else ""


def binary_format(lake: Lake, version: ObjectVersion) -> str | None:
    """Return the name of the version's format if no text can be found in it."""
    start = next(lake.read(version.key, version.id), b"")
    return next((name for magic, name in BINARY_FORMATS.items() if start.startswith(magic)), None)


def redacted_lines(lake: Lake, version: ObjectVersion, redactor: Redactor) -> Iterator[bytes]:
    """Yield each line of the version, without the person."""
    redact = {
        "clicks/": redactor.redact_line,
        "raw/": redactor.redact_record,
        "failed/": redactor.redact_document,
        "replayed/": redactor.redact_document,
        "parked/": redactor.redact_document,
    }.get(folder_of(version.key), redactor.redact_anything)
    # The records in error documents are base64: nothing can be seen without decoding each.
    is_plain = redact in (redactor.redact_line, redactor.redact_record)
    for block in lake.blocks(version.key, version.id):
        if is_plain and redactor.cannot_be_in(block):
            yield block
        else:
            yield from map(redact, split_lines(block))


def redacted_rows(lake: Lake, version: ObjectVersion, redactor: RowRedactor) -> Iterator[bytes]:
    """Yield a query's rows without the person's; yield nothing of another file that may mention them."""
    if is_csv(version.key):
        yield from map(redactor.redact_row, split_rows(lake.blocks(version.key, version.id)))
    elif not redactor.may_mention(lake.blocks(version.key, version.id)):
        yield from lake.blocks(version.key, version.id)


def result_mentions(lake: Lake, version: ObjectVersion, redactor: RowRedactor) -> bool:
    blocks = lake.blocks(version.key, version.id)
    if is_csv(version.key):
        return any(not redactor.redact_row(row) for row in split_rows(blocks))
    return redactor.may_mention(blocks)


def replace(lake: Lake, version: ObjectVersion, content: Iterable[bytes]) -> None:
    """Put the content as the newest version, then delete this one for good. Only delete an older version."""
    if not version.is_current:
        delete_version(lake, version)
        return
    head = lake.s3.head_object(Bucket=lake.bucket, Key=version.key)
    if head.get("VersionId", "null") != version.id:
        raise CommandError(f"{version.key} was written meanwhile; run this again when nothing else runs")
    with TemporaryFile() as body:
        packed = next(lake.read_raw(version.key, version.id), b"").startswith(GZIP_MAGIC)
        if _write(content, body, packed=packed):
            body.seek(0)
            new = lake.s3.put_object(
                Bucket=lake.bucket,
                Key=version.key,
                Body=body,
                ContentType=head["ContentType"],
                ContentEncoding=head.get("ContentEncoding", ""),
                Metadata=head["Metadata"],
            ).get("VersionId")
        else:  # a delete marker first, so that the version before this one does not come back
            new = lake.s3.delete_object(Bucket=lake.bucket, Key=version.key).get("VersionId")
    if new not in (None, version.id):  # without versioning, this version is gone already
        delete_version(lake, version)


def delete_version(lake: Lake, version: ObjectVersion) -> None:
    lake.s3.delete_object(Bucket=lake.bucket, Key=version.key, VersionId=version.id)


def _write(content: Iterable[bytes], body: IO[bytes], *, packed: bool) -> bool:
    """Return whether there was anything to write."""
    target = gzip.GzipFile(fileobj=body, mode="wb", mtime=0) if packed else body
    written = sum(target.write(piece) for piece in content)
    if packed:
        target.close()
    return written > 0
