"""S3 access for the lake bucket: find it, list objects, read them, delete them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    IncompleteReadError,
    ParamValidationError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from clicklake.errors import CommandError
from clicklake.lake.loopback import new_client
from clicklake.lake.object_stream import (
    CHUNK_BYTES,
    ObjectGoneError,
    UnreadableObjectError,
    decompress,
    whole_lines,
)
from clicklake.lake.partitions import hour_of_key, partition_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

HourlyFolder = Literal["clicks", "raw"]

MAX_DELETED_AT_ONCE = 1000  # docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
MAX_RESUMES = 3  # of one object's download
_DROPPED_CONNECTION = (ResponseStreamingError, IncompleteReadError, ReadTimeoutError)


class S3Object(NamedTuple):
    """An object as a listing describes it."""

    key: str
    size: int
    modified: datetime
    etag: str = ""


@dataclass(frozen=True)
class Lake:
    """A lake's bucket.

    `outputs` are its stack's outputs, empty if only the bucket's name is known. `client` makes the clients of
    all other AWS services.
    """

    bucket: str
    outputs: dict[str, str]
    s3: "S3Client"
    client: Callable[..., Any] = new_client

    def objects(self, prefix: str) -> Iterator[S3Object]:
        """Yield the objects under a prefix, in the order of their keys."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        for page in pages:
            for found in page.get("Contents", []):
                yield S3Object(found["Key"], found["Size"], found["LastModified"], found["ETag"])

    def objects_of_hour(self, folder: HourlyFolder, hour: datetime) -> list[S3Object]:
        return list(self.objects(f"{folder}/{partition_of(hour)}"))

    def objects_of_day(self, folder: HourlyFolder, day: date) -> dict[datetime, list[S3Object]]:
        """Return the day's objects by hour; hours without any are left out."""
        found: dict[datetime, list[S3Object]] = {}
        for item in self.objects(f"{folder}/dt={day}/"):
            with suppress(ValueError):  # in no hourly partition
                found.setdefault(hour_of_key(item.key), []).append(item)
        return found

    def days(self, prefix: str) -> set[date]:
        """Return the days that have a partition right under the prefix."""
        days = set()
        for partition in self.subfolders(prefix):
            with suppress(ValueError):  # not a day
                days.add(date.fromisoformat(partition.rstrip("/").rpartition("dt=")[2]))
        return days

    def subfolders(self, prefix: str) -> list[str]:
        """Return the prefixes one level below."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix, Delimiter="/"
        )
        return [found["Prefix"] for page in pages for found in page.get("CommonPrefixes", [])]

    def metadata(self, key: str) -> dict[str, str] | None:
        """Return the object's own metadata, not S3's; None if there is no such object."""
        try:
            return self.s3.head_object(Bucket=self.bucket, Key=key)["Metadata"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "404":
                raise
            return None

    def delete(self, keys: list[str]) -> None:
        """Delete the objects. Raises CommandError naming the first that S3 did not delete."""
        for start in range(0, len(keys), MAX_DELETED_AT_ONCE):
            batch: list[ObjectIdentifierTypeDef] = [
                {"Key": key} for key in keys[start : start + MAX_DELETED_AT_ONCE]
            ]
            response = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": batch, "Quiet": True})
            for error in response.get("Errors", []):
                raise CommandError(f"{error.get('Key')} was not deleted: {error.get('Message')}")

    def read(self, key: str, version: str | None = None) -> Iterator[bytes]:
        """Yield an object's (or a version's) bytes in chunks, decompressed if they are gzip.

        Raises UnreadableObjectError.
        """
        return decompress(self.read_raw(key, version))

    def read_raw(self, key: str, version: str | None = None, if_match: str | None = None) -> Iterator[bytes]:
        """Yield the stored bytes, resuming with a Range request if the connection drops.

        Raises ObjectGoneError if the object's ETag is not `if_match` any more.
        """
        chosen: dict[str, Any] = {"VersionId": version} if version else {}
        condition: dict[str, Any] = {"IfMatch": if_match} if if_match else {}
        with _naming_unreadable():
            response = self.s3.get_object(Bucket=self.bucket, Key=key, **chosen, **condition)
        offset, resumes = 0, 0
        while True:
            try:
                for chunk in response["Body"].iter_chunks(CHUNK_BYTES):
                    offset += len(chunk)
                    yield chunk
                return
            except _DROPPED_CONNECTION:
                resumes += 1
                if resumes > MAX_RESUMES:
                    raise
            rest, etag = f"bytes={offset}-", response["ETag"]
            with _naming_unreadable():
                response = self.s3.get_object(Bucket=self.bucket, Key=key, Range=rest, IfMatch=etag, **chosen)

    def is_readable(self, key: str) -> bool:
        """Return whether the object can be decompressed to its end."""
        try:
            for _ in self.read(key):
                pass
        except UnreadableObjectError:
            return False
        return True

    def lines(self, key: str) -> Iterator[bytes]:
        """Yield the object's non-empty lines, each without its newline."""
        for block in self.blocks(key):
            yield from filter(None, block.split(b"\n"))

    def blocks(self, key: str, version: str | None = None) -> Iterator[bytes]:
        """Yield the object's bytes in blocks of whole lines, for decoders that take many lines at once."""
        return whole_lines(self.read(key, version))


@contextmanager
def _naming_unreadable() -> Iterator[None]:
    """Turn S3's refusals of one object into UnreadableObjectError."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ("NoSuchKey", "NoSuchVersion", "404", "PreconditionFailed", "412"):
            raise ObjectGoneError("it was deleted or replaced meanwhile") from error
        if code == "InvalidObjectState":
            raise UnreadableObjectError("it is archived (S3 Glacier); restore it first") from error
        raise


def find_lake(
    stage: str, bucket: str | None, client: Callable[..., Any] = new_client, *, is_checked: bool = True
) -> Lake:
    """Return the lake of a stage's stack or of a bucket.

    Raises CommandError if it is not there. The bucket itself is asked for only if `is_checked`.
    """
    s3 = client("s3", config=Config(max_pool_connections=50, retries={"mode": "standard"}))
    outputs = {} if bucket else _stack_outputs(client, f"clicklake-lake-{stage}")
    lake = Lake(bucket or outputs["BucketName"], outputs, s3, client)
    if is_checked:
        _check_bucket(lake)
    return lake


def _stack_outputs(client: Callable[..., Any], stack: str) -> dict[str, str]:
    try:
        described = client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        raise CommandError(
            f"stack {stack} not found in this account and region; pass --stage or --bucket"
        ) from error
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


def _check_bucket(lake: Lake) -> None:
    """Ask by a GET, since the answer to a HEAD has no body that could say why S3 refuses."""
    try:
        lake.s3.list_objects_v2(Bucket=lake.bucket, MaxKeys=1)
    except ParamValidationError as error:
        raise CommandError(f"{lake.bucket!r} cannot be the name of a bucket") from error
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ("NoSuchBucket", "404"):
            raise CommandError(f"there is no bucket {lake.bucket}") from error
        if code in ("AccessDenied", "403"):
            raise CommandError(f"access is denied to the bucket {lake.bucket}") from error
        raise
