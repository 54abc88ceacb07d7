"""The bytes of a record: they are what the processor reads, and they fit into Firehose."""

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from flask.testing import FlaskClient

from ingest_app.aws.stream import MAX_RECORD_BYTES
from ingest_app.clicks import MAX_CLICKS, MAX_PROPERTIES
from ingest_app.envelope import Envelope, build_record
from ingest_app.parsing.body import MAX_BODY_BYTES
from ingest_app.parsing.schema import ClickSchema
from ingest_app.sender import MAX_AGENT_CHARACTERS, Sender
from ingest_app.settings import IngestSettings
from tests.ingest_app.conftest import DATA, MemoryStream, json_of

GOLDEN = sorted((DATA / "envelopes").glob("v1-*.json"))


SCHEMA = ClickSchema(IngestSettings("clicks"))


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.name)
def test_record_equals_the_golden_record_byte_for_byte(file: Path) -> None:
    golden = file.read_bytes()
    head = json.loads(golden)
    record = build_record(
        Sender(head["address"], head["country"], head["visitorId"], head["userAgent"], head["privacy"]),
        [
            SCHEMA.normalize(msgspec.json.decode(msgspec.json.encode(click), type=SCHEMA.click_input))
            for click in head["clicks"]
        ],
        head["requestId"],
        datetime.fromisoformat(head["receivedAt"]),
        head["sentAt"],
    )
    assert record.strip() == golden.strip()
    assert record.endswith(b"}\n")


def test_golden_records_use_every_field() -> None:
    heads = [json.loads(file.read_bytes()) for file in GOLDEN]
    clicks = [click for head in heads for click in head["clicks"]]
    fields = {field.encode_name for field in msgspec.structs.fields(SCHEMA.click_input)}
    assert {name for click in clicks for name in click} == fields - {"itemId"}
    keys = [field.encode_name for field in msgspec.structs.fields(Envelope)]
    assert [list(head) for head in heads] == [keys] * len(heads)


def test_received_at_is_utc_with_milliseconds() -> None:
    now = datetime(2026, 11, 24, 2, 38, 2, 123999, tzinfo=UTC)
    assert json.loads(build_record(Sender(), [], "r", now, None))["receivedAt"] == "2026-11-24T02:38:02.123Z"


# How a record can be longer than its body. A minimal click gets a type, a userId and an eventId. A property's
# value gets quotes, and a number is written out: 1e15 has 4 bytes, "1000000000000000.0" has 20. A timestamp
# gets milliseconds. The keys of the envelope come on top. Everything else stays as long or gets shorter: what
# JSON escapes in the record was escaped in the body, in as many bytes or more.
MAX_GROWTH_OF_A_CLICK = 100 + MAX_PROPERTIES * 16
MAX_HEAD_BYTES = 4096
MAX_GROWTH_BYTES = MAX_CLICKS * MAX_GROWTH_OF_A_CLICK + MAX_HEAD_BYTES


def clicks_of_properties(value: bytes) -> bytes:
    """Return as many clicks as fit, each with the most properties, under the shortest names."""
    names = [bytes([character]) for character in b"abcdefghijklmnopqrstuvwxyzABCDEF"]
    click = b'{"type":"a","properties":{' + b",".join(b'"%s":%s' % (name, value) for name in names) + b"}}"
    return b"[" + b",".join([click] * min(MAX_CLICKS, MAX_BODY_BYTES // (len(click) + 1))) + b"]"


WORST = {
    "500 minimal clicks": b"[" + b",".join([b'{"type":"a"}'] * MAX_CLICKS) + b"]",
    "large numbers as properties": clicks_of_properties(b"1e15"),
    "small numbers as properties": clicks_of_properties(b"1e-4"),
    "booleans as properties": clicks_of_properties(b"true"),
    "control characters": b'{"type":"a","title":"%s"}' % (b"\\u0001" * 512),
    "quotes as escapes": b"[" + b",".join([b'{"type":"a","title":"%s"}' % (b'\\"' * 250)] * 490) + b"]",
    "four bytes a character": b"["
    + b",".join([b'{"type":"a","title":"%s"}' % ("🐉" * 120).encode()] * 499)
    + b"]",
    "times": b"[" + b",".join([b'{"type":"a","occurredAt":"2026-11-24T02:38:02Z"}'] * MAX_CLICKS) + b"]",
}


@pytest.mark.parametrize("body", WORST.values(), ids=WORST)
def test_record_grows_by_no_more_than_the_sum(client: FlaskClient, stream: MemoryStream, body: bytes) -> None:
    assert len(body) <= MAX_BODY_BYTES
    agent = "\xff" * (2 * MAX_AGENT_CHARACTERS)
    response = client.put("/clicks", data=body, environ_overrides={"HTTP_USER_AGENT": agent})
    assert response.status_code == 202
    assert json_of(response)["rejected"] == 0
    assert "ignored" not in response.text
    (record,) = stream.records
    assert len(record) <= len(body) + MAX_GROWTH_BYTES


def test_largest_record_fits_into_firehose() -> None:
    assert MAX_BODY_BYTES + MAX_GROWTH_BYTES <= MAX_RECORD_BYTES
