"""A delivery stream with a fixed clock, a store in memory, and a Python function as its processor."""

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clicklake.local.delivery_stream.configuration import parse_destination
from clicklake.local.delivery_stream.dependencies import StreamDependencies
from clicklake.local.delivery_stream.destination import Destination
from clicklake.local.delivery_stream.journal import DiskJournal
from clicklake.local.delivery_stream.objects import SealedObject
from clicklake.local.delivery_stream.stream import DeliveryStream

STREAM_ARN = "arn:aws:firehose:us-east-1:000000000000:deliverystream/clicks"
LAMBDA_ARN = "arn:aws:lambda:us-east-1:000000000000:function:processor"
NOON = 1_795_521_600.0  # 2026-11-24T12:00:00Z

Function = Callable[[dict[str, Any]], bytes]


def config(**changes: Any) -> dict[str, Any]:
    """Return the configuration of our template with small buffers."""
    return {
        "BucketARN": "arn:aws:s3:::lake",
        "Prefix": "clicks/dt=!{timestamp:yyyy-MM-dd}/hr=!{timestamp:HH}/",
        "ErrorOutputPrefix": "failed/!{firehose:error-output-type}/dt=!{timestamp:yyyy-MM-dd}/",
        "CompressionFormat": "GZIP",
        "BufferingHints": {"IntervalInSeconds": 60, "SizeInMBs": 1},
        "S3BackupMode": "Enabled",
        "S3BackupConfiguration": {
            "BucketARN": "arn:aws:s3:::lake",
            "Prefix": "raw/dt=!{timestamp:yyyy-MM-dd}/hr=!{timestamp:HH}/",
            "BufferingHints": {"IntervalInSeconds": 60, "SizeInMBs": 1},
        },
        "ProcessingConfiguration": processing(),
    } | changes


def processing(**parameters: Any) -> dict[str, Any]:
    values = {"LambdaArn": LAMBDA_ARN, "BufferIntervalInSeconds": "10", "BufferSizeInMBs": "1"} | parameters
    listed = [{"ParameterName": name, "ParameterValue": value} for name, value in values.items()]
    return {"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": listed}]}


def shout(event: dict[str, Any]) -> bytes:
    """Return every record in capitals. Most tests use this as the processor."""
    return answer(*[ok(record["recordId"], decoded(record).upper()) for record in event["records"]])


def answer(*records: dict[str, Any]) -> bytes:
    return json.dumps({"records": records}).encode()


def ok(record_id: str, data: bytes) -> dict[str, Any]:
    return {"recordId": record_id, "result": "Ok", "data": base64.b64encode(data).decode()}


def decoded(record: dict[str, Any]) -> bytes:
    return base64.b64decode(record["data"])


class World:
    def __init__(self, folder: Path, function: Function = shout, **changes: Any) -> None:
        self.now = 0.0
        self.function = function
        self.events: list[dict[str, Any]] = []  # one for each attempt
        self.objects: list[SealedObject] = []
        self.landed: list[SealedObject] = []
        self.pauses: list[float] = []
        self.s3_is_down = False
        self.twice = False
        self.run: Callable[[Callable[[], None]], object] = lambda job: job()
        self.journal = DiskJournal(folder / "journal.sqlite")
        self.stream = self.new_stream(parse_destination(config(**changes)))

    def new_stream(self, destination: Destination) -> DeliveryStream:
        deps = StreamDependencies(
            invoke=self._invoke,
            put_object=lambda sealed: self.put_object(sealed),
            journal=self.journal,
            run=lambda job: self.run(job),
            landed=self.landed.append,
            deliver_twice=lambda: self.twice,
            wall_seconds=lambda: NOON + self.now,
            monotonic_seconds=lambda: self.now,
            sleep=self.pauses.append,
        )
        return DeliveryStream(STREAM_ARN, 1, destination, deps)

    def _invoke(self, lambda_arn: str, payload: bytes) -> bytes:
        assert lambda_arn == LAMBDA_ARN
        self.events.append(json.loads(payload))
        return self.function(self.events[-1])

    def put_object(self, sealed: SealedObject) -> None:
        if self.s3_is_down:
            raise OSError("down, as requested")
        self.objects.append(sealed)

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass. The stream ticks whenever it said that something would be due."""
        end = self.now + seconds
        while (step := self.stream.tick()) and self.now + step <= end:
            self.now += step
        if not step:
            self.pass_seconds(end - self.now)
        self.now = end

    def settle(self) -> None:
        self.pass_seconds(600)
        assert self.stream.waiting == 0

    def content(self, kind: str) -> bytes:
        """Return everything of that kind that was put, uncompressed."""
        return b"".join(body(sealed) for sealed in self.objects if sealed.kind == kind)

    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.content("failed").splitlines()]


def body(sealed: SealedObject) -> bytes:
    return gzip.decompress(sealed.body) if sealed.content_encoding == "gzip" else sealed.body
