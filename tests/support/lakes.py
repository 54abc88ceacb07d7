"""Lakes written by hand: envelopes, lines, error documents at the hours a test wants; and the commands."""

import base64
import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from click.testing import CliRunner, Result

from clicklake.cli.group import main
from tests.support.emulator import Emulator

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EVANGELINE = "4e53920c-505a-4a90-a694-b9300791f0ae"
NOW = datetime.now(UTC)
NOON = NOW.replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(
    days=3
)  # what may not wait any more


def new_id() -> str:
    return str(uuid4())


def to_text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def click(event_id: str | None = None, **fields: Any) -> dict[str, Any]:
    given = {"type": "click", "userId": "guest", "mysfitId": EVANGELINE, "eventId": event_id or new_id()}
    return given | fields


def envelope(clicks: Sequence[dict[str, Any]], at: datetime = NOON, **head: Any) -> bytes:
    """As the ingest app writes it, newline and all."""
    unknown = dict.fromkeys(["sentAt", "address", "country", "visitorId", "userAgent", "privacy"])
    given = {"v": 1, "requestId": new_id(), "receivedAt": to_text(at)} | unknown | {"replays": 0}
    return compact(given | head | {"clicks": list(clicks)}) + b"\n"


def line(event_id: str, at: datetime = NOON, **fields: Any) -> bytes:
    times = {"receivedAt": to_text(at), "processedAt": to_text(at + timedelta(seconds=60))}
    return compact(click(event_id) | times | {"v": 1, "itemLookup": "found"} | fields) + b"\n"


def bare_line(event_id: str, at: datetime = NOON) -> bytes:
    times = {"receivedAt": to_text(at), "processedAt": to_text(at + timedelta(seconds=60))}
    return compact(click(event_id) | times) + b"\n"


def document(record: bytes, code: str = "Lambda.FunctionError", at: datetime = NOON) -> bytes:
    milliseconds = round(at.timestamp() * 1000)
    return (
        compact(
            {
                "rawData": base64.b64encode(record).decode(),
                "errorCode": code,
                "errorMessage": "as the test says",
                "attemptsMade": 4,
                "arrivalTimestamp": milliseconds,
                "attemptEndingTimestamp": milliseconds + 1000,
                "lambdaARN": "arn:aws:lambda:us-east-1:000000000000:function:clicklake-processor-dev",
            }
        )
        + b"\n"
    )


@dataclass
class TestLake:
    __test__ = False
    bucket: str
    s3: "S3Client"

    def put(self, folder: str, records: Iterable[bytes], at: datetime = NOON, name: str = "") -> str:
        """One object, as Firehose names and packs it; answers its key."""
        name = name or f"clicklake-dev-1-{at:%Y-%m-%d-%H-%M-%S}-{uuid4()}"
        body = b"".join(records)
        if folder in ("clicks", "raw"):
            key = f"{folder}/dt={at:%Y-%m-%d}/hr={at:%H}/{name}.gz"
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=gzip.compress(body), ContentEncoding="gzip")
        else:
            key = f"{folder}/processing-failed/dt={at:%Y-%m-%d}/{name}"
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return key

    def put_broken(self, key: str) -> str:
        """One that begins as gzip and ends early, beside the given one; answers its key."""
        broken = f"{key}-broken"
        packed = gzip.compress(b"".join(compact(click()) for _ in range(50)))
        self.s3.put_object(Bucket=self.bucket, Key=broken, Body=packed[: len(packed) // 2])
        return broken

    def keys(self, prefix: str = "") -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def stored_bytes(self) -> int:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return sum(each["Size"] for page in pages for each in page.get("Contents", []))

    def body(self, key: str, **version: Any) -> bytes:
        body = self.s3.get_object(Bucket=self.bucket, Key=key, **version)["Body"].read()
        return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body

    def lines(self, prefix: str) -> list[bytes]:
        """Of all objects, in the order of their keys."""
        return [each for key in self.keys(prefix) for each in self.body(key).splitlines(keepends=True)]


def new_lake(emulator: Emulator) -> TestLake:
    bucket = f"lake-{uuid4()}"
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return TestLake(bucket, s3)


@dataclass
class Commands:
    """`clicklake …` on the test's lake."""

    bucket: str

    def __call__(self, *arguments: str, code: int = 0) -> Result:
        name, *rest = arguments
        result = CliRunner().invoke(main, [name, "--bucket", self.bucket, *rest], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", code=code).stdout)
