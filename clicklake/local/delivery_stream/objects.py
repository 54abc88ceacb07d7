"""Build the S3 object that Firehose would write for buffered records: its key, bytes and encoding."""

import gzip
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from clicklake.local.delivery_stream import prefix
from clicklake.local.delivery_stream.buffer import BufferedRecord
from clicklake.local.delivery_stream.destination import Output
from clicklake.local.delivery_stream.outcomes import PROCESSING_FAILED

Kind = Literal["delivered", "failed", "raw"]


@dataclass(frozen=True)
class SealedObject:
    """An object whose key and bytes are final."""

    kind: Kind
    bucket: str
    key: str
    body: bytes
    content_encoding: str | None
    payloads: list[bytes]  # what the body consists of, for the live page


def build_object(
    kind: Kind, stream: str, version: int, output: Output, items: Sequence[BufferedRecord]
) -> SealedObject:
    payloads = [item.payload for item in items]
    body = (output.separator if kind == "delivered" else b"").join(payloads)
    return SealedObject(
        kind=kind,
        bucket=output.bucket,
        key=_key(stream, version, output, min(item.record.arrived_ms for item in items)),
        body=gzip.compress(body, compresslevel=6) if output.compressed else body,
        content_encoding="gzip" if output.compressed else None,
        payloads=payloads,
    )


def _key(stream: str, version: int, output: Output, oldest_ms: int) -> str:
    """https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html"""
    arrived = datetime.fromtimestamp(oldest_ms / 1000, UTC).astimezone(output.zone)
    folder = prefix.evaluate(output.prefix, arrived, PROCESSING_FAILED)
    return f"{folder}{stream}-{version}-{arrived:%Y-%m-%d-%H-%M-%S}-{uuid.uuid4()}{output.extension}"
