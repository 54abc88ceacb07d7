"""The bytes of one record: what the processor reads, and that Firehose takes it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from flask.testing import FlaskClient

from ingest_app.body import MAX_BODY_BYTES
from ingest_app.clicks import MAX_CLICKS, MAX_PROPERTIES, Vocabulary
from ingest_app.envelope import Envelope, build_record
from ingest_app.sender import MAX_AGENT_CHARACTERS, Sender
from ingest_app.stream import MAX_RECORD_BYTES
from tests.ingest_app.conftest import ListStream
from tests.ingest_app.lambda_function import DATA

GOLDEN = sorted((DATA / "envelopes").glob("v1-*.json"))


VOCABULARY = Vocabulary("mysfitId", keep_query=False)


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.name)
def test_record_is_the_golden_one_byte_for_byte(file: Path) -> None:
    golden = file.read_bytes()
    head = json.loads(golden)
    record = build_record(
        Sender(head["address"], head["country"], head["visitorId"], head["userAgent"], head["privacy"]),
        [VOCABULARY.keep(msgspec.convert(click, VOCABULARY.sent_click)) for click in head["clicks"]],
        head["requestId"],
        datetime.fromisoformat(head["receivedAt"]),
        head["sentAt"],
    )
    assert record.strip() == golden.strip()
    assert record.endswith(b"}\n")


def test_golden_records_use_every_field() -> None:
    heads = [json.loads(file.read_bytes()) for file in GOLDEN]
    clicks = [click for head in heads for click in head["clicks"]]
    fields = {field.encode_name for field in msgspec.structs.fields(VOCABULARY.sent_click)}
    assert {name for click in clicks for name in click} == fields
    keys = [field.encode_name for field in msgspec.structs.fields(Envelope)]
    assert [list(head) for head in heads] == [keys] * len(heads)


def test_time_of_arrival_is_utc_in_milliseconds() -> None:
    now = datetime(2026, 11, 24, 2, 38, 2, 123999, tzinfo=UTC)
    assert json.loads(build_record(Sender(), [], "r", now, None))["receivedAt"] == "2026-11-24T02:38:02.123Z"


# What is longer in the record than in the body: a click that says nothing gets a type, a userId and an
# eventId; a property's value is put in quotes, a number written out (1e15 has 4 bytes,
# "1000000000000000.0" 20); a time gets its milliseconds; the head comes on top. All else stays or
# shrinks: what JSON must escape in the record it had to escape in the body, in no fewer bytes.
MAX_GROWTH_OF_A_CLICK = 100 + MAX_PROPERTIES * 16
MAX_HEAD_BYTES = 4096
MAX_GROWTH_BYTES = MAX_CLICKS * MAX_GROWTH_OF_A_CLICK + MAX_HEAD_BYTES


def clicks_of_properties(value: bytes) -> bytes:
    """As many as fit, each with as many of the shortest names as it may have."""
    names = [bytes([character]) for character in b"abcdefghijklmnopqrstuvwxyzABCDEF"]
    click = b'{"type":"a","properties":{' + b",".join(b'"%s":%s' % (name, value) for name in names) + b"}}"
    return b"[" + b",".join([click] * min(MAX_CLICKS, MAX_BODY_BYTES // (len(click) + 1))) + b"]"


WORST = {
    "500 clicks that say least": b"[" + b",".join([b'{"type":"a"}'] * MAX_CLICKS) + b"]",
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
def test_no_body_within_the_limit_makes_a_record_over_firehose_s(
    client: FlaskClient, stream: ListStream, body: bytes
) -> None:
    assert len(body) <= MAX_BODY_BYTES
    agent = "\xff" * (2 * MAX_AGENT_CHARACTERS)
    answer = client.put("/clicks", data=body, environ_overrides={"HTTP_USER_AGENT": agent})
    assert answer.status_code == 202
    assert answer.json["rejected"] == 0
    assert "ignored" not in answer.text
    (record,) = stream.records
    assert len(record) <= len(body) + MAX_GROWTH_BYTES


def test_the_sum_is_within_firehose_s_limit() -> None:
    assert MAX_BODY_BYTES + MAX_GROWTH_BYTES <= MAX_RECORD_BYTES


def test_answer_stays_far_below_lambda_s_6_mb(client: FlaskClient) -> None:
    """The most errors that a body of this size can hold: a name of two letters each."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    unknown = ",".join(f'"{a}{b}":1' for a in letters for b in letters)
    click = f'{{"type":"A",{unknown}}}'
    body = "[" + ",".join([click] * (MAX_BODY_BYTES // (len(click) + 1))) + "]"
    answer = client.put("/clicks", data=body)
    assert answer.status_code == 400
    assert len(answer.json["errors"]) > 30_000
    assert len(answer.data) < 6_291_456 / 2
