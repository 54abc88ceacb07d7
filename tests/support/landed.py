"""Read a lake's bucket through S3, and wait for what takes a moment to land."""

import gzip
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import boto3

EVANGELINE = "4e53920c-505a-4a90-a694-b9300791f0ae"  # a mysfit of the sample site
T = TypeVar("T")


def eventually(get: Callable[[], T], *, seconds: float = 20) -> T:
    """Return the first true result of `get`, or its last result after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := get()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


@dataclass(frozen=True)
class Lake:
    """`delivery_seconds` is the longest time that a click may take to land."""

    bucket: str
    delivery_seconds: float

    def objects(self, prefix: str) -> dict[str, bytes]:
        s3 = boto3.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
        return {key: s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}

    def lines(self) -> list[dict[str, Any]]:
        """Return every line under clicks/, in no particular order."""
        return [
            json.loads(line)
            for body in self.objects("clicks/").values()
            for line in gzip.decompress(body).decode().splitlines()
        ]

    def lines_of(self, event_ids: set[str]) -> list[dict[str, Any]]:
        """Wait until all of these ids have landed. Return their lines, or [] if that takes too long."""

        def landed() -> list[dict[str, Any]] | None:
            lines = [line for line in self.lines() if line["eventId"] in event_ids]
            return lines if {line["eventId"] for line in lines} == event_ids else None

        return eventually(landed, seconds=self.delivery_seconds) or []

    def line_of(self, event_id: str) -> dict[str, Any]:
        lines = self.lines_of({event_id})
        assert len(lines) == 1, f"{len(lines)} lines with eventId {event_id}"
        return lines[0]
