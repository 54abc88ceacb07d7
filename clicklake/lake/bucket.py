"""Which lake, what lies in it, and how its objects are read: the one module that reads S3."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import boto3
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from isal import isal_zlib  # zlib's interface, and inflates in half its time

from clicklake.errors import CommandError
from clicklake.lake.partitions import folder_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

Folder = Literal["clicks", "raw"]  # those with a folder for each hour

CHUNK_BYTES = 256 * 1024  # read and inflated at once: the memory that one object takes, whatever its size
LISTING_THREADS = 8
MAX_DELETED_AT_ONCE = 1000  # docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
MAX_BREAKS = 3  # of one object's download
GZIP_MAGIC = b"\x1f\x8b"

# Where one JSON object ends and the next begins, and nowhere else in valid JSON: between values there would
# be a comma, inside a string the quotation mark would be escaped.
SEAM = b'}{"'
LONG_LINE_CHUNKS = 16  # 4 MiB: Firehose takes no record of more than 1,000 KiB

# What reading an object raises that is not the gzip that it begins as (isal's stub has no type there).
BROKEN: tuple[type[Exception], ...] = (cast(type[Exception], isal_zlib.IsalError), EOFError)
_BROKEN_OFF = (ResponseStreamingError, IncompleteReadError, ReadTimeoutError)


class Stored(NamedTuple):
    """An object, as a listing tells of it."""

    key: str
    size: int
    modified: datetime


@dataclass(frozen=True)
class Lake:
    """A lake's bucket; `outputs` are its stack's, empty where only the bucket's name is known."""

    bucket: str
    outputs: dict[str, str]
    s3: "S3Client"

    def objects(self, prefix: str) -> Iterator[Stored]:
        """In the order of the keys."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        for page in pages:
            for each in page.get("Contents", []):
                yield Stored(each["Key"], each["Size"], each["LastModified"])

    def objects_of_hour(self, folder: Folder, hour: datetime) -> list[Stored]:
        return list(self.objects(f"{folder}/{folder_of(hour)}"))

    def objects_of_hours(self, folder: Folder, hours: list[datetime]) -> list[list[Stored]]:
        """One list for each hour, listed several at once."""
        with ThreadPoolExecutor(LISTING_THREADS) as threads:
            return list(threads.map(lambda hour: self.objects_of_hour(folder, hour), hours))

    def folders(self, prefix: str) -> list[str]:
        """The prefixes one level below."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix, Delimiter="/"
        )
        return [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])]

    def metadata(self, key: str) -> dict[str, str] | None:
        """Ours, not S3's; None where there is no such object."""
        try:
            return self.s3.head_object(Bucket=self.bucket, Key=key)["Metadata"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "404":
                raise
            return None

    def delete(self, keys: list[str]) -> None:
        for start in range(0, len(keys), MAX_DELETED_AT_ONCE):
            some: list[ObjectIdentifierTypeDef] = [
                {"Key": key} for key in keys[start : start + MAX_DELETED_AT_ONCE]
            ]
            told = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": some, "Quiet": True})
            for error in told.get("Errors", []):
                raise CommandError(f"{error.get('Key')} is not deleted: {error.get('Message')}")

    def read(self, key: str, version: str | None = None) -> Iterator[bytes]:
        """The bytes of an object, or of that version, in chunks; inflated where they are gzip."""
        return inflate(self.stored(key, version))

    def stored(self, key: str, version: str | None = None) -> Iterator[bytes]:
        """As they are. Of many thousand downloads one breaks off: it goes on where it was."""
        named: dict[str, Any] = {"VersionId": version} if version else {}
        got = self.s3.get_object(Bucket=self.bucket, Key=key, **named)
        offset, breaks = 0, 0
        while True:
            try:
                for chunk in got["Body"].iter_chunks(CHUNK_BYTES):
                    offset += len(chunk)
                    yield chunk
                return
            except _BROKEN_OFF:
                breaks += 1
                if breaks > MAX_BREAKS:
                    raise
            rest = f"bytes={offset}-"
            got = self.s3.get_object(Bucket=self.bucket, Key=key, Range=rest, IfMatch=got["ETag"], **named)

    def is_whole(self, key: str) -> bool:
        try:
            for _ in self.read(key):
                pass
        except BROKEN:
            return False
        return True

    def lines(self, key: str) -> Iterator[bytes]:
        """The object's lines, each without its newline; empty ones are left out."""
        for block in self.blocks(key):
            yield from filter(None, block.split(b"\n"))

    def blocks(self, key: str, version: str | None = None) -> Iterator[bytes]:
        """The object's bytes in blocks of whole lines: what a decoder of many lines wants."""
        return whole_lines(self.read(key, version))


def find_lake(stage: str, bucket: str | None) -> Lake:
    """Raises CommandError where there is no such stack or bucket."""
    s3 = boto3.client("s3", config=Config(max_pool_connections=50, retries={"mode": "standard"}))
    outputs = {} if bucket else _stack_outputs(f"clicklake-lake-{stage}")
    lake = Lake(bucket or outputs["BucketName"], outputs, s3)
    _check_bucket(lake)
    return lake


def _stack_outputs(stack: str) -> dict[str, str]:
    try:
        described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        raise CommandError(
            f"there is no stack {stack} here: name its --stage, or the --bucket itself"
        ) from error
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


def _check_bucket(lake: Lake) -> None:
    try:
        lake.s3.head_bucket(Bucket=lake.bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "403"):
            raise
        why = (
            "there is no bucket"
            if error.response["Error"]["Code"] == "404"
            else "access is denied to the bucket"
        )
        raise CommandError(f"{why} {lake.bucket}") from error


def inflate(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks as they are, or inflated where they begin as gzip does; bounded pieces either way.

    Told by the bytes, not by the name: error documents are plain, and whoever copies a lake may rename.
    Raises what BROKEN says.
    """
    first = next(chunks, b"")
    if first.startswith(GZIP_MAGIC):
        yield from _gunzip(first, chunks)
    else:
        yield first
        yield from chunks


def _gunzip(data: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Member after member, as a gzip file may hold several."""
    member = isal_zlib.decompressobj(wbits=31)
    while True:
        piece = member.decompress(data, CHUNK_BYTES)
        if piece:
            yield piece
        data = member.unconsumed_tail
        if member.eof:
            data = member.unused_data or next(chunks, b"")
            if not data:
                return
            member = isal_zlib.decompressobj(wbits=31)
        elif not data:
            data = next(chunks, b"")
            if not data:
                raise EOFError("the object ends inside its gzip data")


def whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Regroup chunks so that each ends with a newline; the last as the object ends.

    An object of bare clicks may hold no newline at all: it is cut where one click ends and the next begins.
    """
    begun: list[bytes] = []
    for chunk in chunks:
        head, newline, tail = chunk.rpartition(b"\n")
        if newline:
            yield b"".join((*begun, head, newline))
            begun = [tail]
        else:
            begun.append(chunk)
        if len(begun) > LONG_LINE_CHUNKS:
            head, seam, tail = b"".join(begun).rpartition(SEAM)
            if seam:
                yield head + SEAM[:1]
            begun = [SEAM[1:] + tail if seam else tail]
    rest = b"".join(begun)
    if rest:
        yield rest
