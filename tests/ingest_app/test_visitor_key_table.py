"""VisitorKeyTable reads and conditionally overwrites one item. No sockets here."""

import base64
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from ingest_app.aws.visitor_key_table import VisitorKeyTable
from ingest_app.visitor_keys import DayKeys, KeyStoreUnavailable
from tests.ingest_app.test_stream import CREDENTIALS, FakeFirehose, Reply, aws_error

DAY = date(2026, 11, 24)
KEYS = DayKeys(DAY, b"k" * 32, b"p" * 32)
ITEM = {
    "name": {"S": "visitor-key"},
    "day": {"S": "2026-11-24"},
    "key": {"B": base64.b64encode(b"k" * 32).decode()},
    "previous": {"B": base64.b64encode(b"p" * 32).decode()},
}


class FakeTable(FakeFirehose):
    """Also keeps the requests."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def reply(self, request: Any, **more: Any) -> Any:
        operation = request.headers["X-Amz-Target"].decode().partition(".")[2]
        self.requests.append((operation, json.loads(request.body)))
        return super().reply(request, **more)


@pytest.fixture(scope="module")
def fake_of_module() -> FakeTable:
    return FakeTable()


@pytest.fixture
def fake(fake_of_module: FakeTable) -> FakeTable:
    fake_of_module.requests.clear()
    return fake_of_module


@pytest.fixture(scope="module")
def table(fake_of_module: FakeTable) -> Iterator[VisitorKeyTable]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        made = VisitorKeyTable("clicklake-visitor-key-dev", "clicklake/test", "us-east-1")
        events: Any = made._client.meta.events
        events.register("before-send.dynamodb", fake_of_module.reply)
        yield made


def found(item: Any) -> Reply:
    return 200, json.dumps({"Item": item}).encode()


def test_read_returns_the_item(table: VisitorKeyTable, fake: FakeTable) -> None:
    fake.script(found(ITEM))
    assert table.read() == KEYS
    (operation, request), *_ = fake.requests
    assert operation == "GetItem"
    assert request["ConsistentRead"] is True
    assert request["Key"] == {"name": {"S": "visitor-key"}}


def test_first_item_has_no_previous_key(table: VisitorKeyTable, fake: FakeTable) -> None:
    fake.script(found({name: value for name, value in ITEM.items() if name != "previous"}))
    assert table.read() == KEYS._replace(previous=None)


def test_table_without_the_item_holds_no_key(table: VisitorKeyTable, fake: FakeTable) -> None:
    fake.script((200, b"{}"))
    assert table.read() is None


def test_first_key_is_stored_only_if_there_is_none(table: VisitorKeyTable, fake: FakeTable) -> None:
    fake.script((200, b"{}"))
    assert table.replace(None, KEYS)
    ((operation, request),) = fake.requests
    assert operation == "PutItem"
    assert request["ConditionExpression"] == "attribute_not_exists(#day)"
    assert request["Item"] == ITEM


def test_key_is_overwritten_only_if_it_is_still_the_same(table: VisitorKeyTable, fake: FakeTable) -> None:
    fake.script((200, b"{}"))
    assert table.replace(DayKeys(DAY, b"o" * 32, None), KEYS)
    ((_, request),) = fake.requests
    assert request["ConditionExpression"] == "#day = :day and #key = :key"
    assert request["ExpressionAttributeNames"] == {"#day": "day", "#key": "key"}
    values = request["ExpressionAttributeValues"]
    assert values == {":day": {"S": "2026-11-24"}, ":key": {"B": base64.b64encode(b"o" * 32).decode()}}


def test_key_that_another_instance_has_overwritten_is_left_alone(
    table: VisitorKeyTable, fake: FakeTable
) -> None:
    fake.script(aws_error(400, "ConditionalCheckFailedException"))
    assert not table.replace(KEYS, KEYS)


FAULTS: dict[str, Reply] = {
    "denied": aws_error(400, "AccessDeniedException"),
    "no such table": aws_error(400, "ResourceNotFoundException"),
    "throttled": aws_error(400, "ProvisionedThroughputExceededException"),
    "down": aws_error(500, "InternalServerError"),
    "silent": ConnectTimeoutError(endpoint_url="https://dynamodb.example"),
    "HTML": (503, b"<html>"),
    "an array": (200, b"[]"),
    "an item that is a string": (200, b'{"Item": "x"}'),
    "no day": found({name: value for name, value in ITEM.items() if name != "day"}),
    "no key": found({name: value for name, value in ITEM.items() if name != "key"}),
    "a day that is none": found(ITEM | {"day": {"S": "2026-02-30"}}),
    "a day that is a number": found(ITEM | {"day": {"N": "5"}}),
    "a short key": found(ITEM | {"key": {"B": "AAAA"}}),
    "a key that is text": found(ITEM | {"key": {"S": "secret"}}),
    "a short previous key": found(ITEM | {"previous": {"B": "AAAA"}}),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_fault_is_reported_without_the_key_and_not_retried(
    table: VisitorKeyTable, fake: FakeTable, fault: Reply
) -> None:
    fake.script(fault)
    with pytest.raises(KeyStoreUnavailable) as unavailable:
        table.read()
    assert fake.request_count == 1
    assert "secret" not in str(unavailable.value)
    assert str(unavailable.value).isalnum()


def test_fault_of_an_overwrite_is_reported(table: VisitorKeyTable, fake: FakeTable) -> None:
    fake.script(FAULTS["down"])
    with pytest.raises(KeyStoreUnavailable):
        table.replace(KEYS, KEYS)
