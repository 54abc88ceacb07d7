"""`visitor-id` finds the number that the ingest app gave, while the key of that day exists."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from click.testing import CliRunner

from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.privacy import command as command_module
from clicklake.privacy.visitor_key import StoredKeys, VisitorKeyItem, key_of, truncated, visitor_id
from ingest_app.sender import MAX_AGENT_CHARACTERS, truncate_ip
from tests.support.paths import ROOT

GOLDEN: dict[str, Any] = json.loads((ROOT / "tests" / "data" / "visitor-ids.json").read_text())
MONDAY = date(2026, 11, 23)
TUESDAY = MONDAY + timedelta(days=1)
STORED = StoredKeys(MONDAY, b"k" * 32, b"p" * 32)
TABLE = "clicklake-visitor-key-dev"


@pytest.fixture
def dynamodb() -> Any:
    return boto3.client("dynamodb", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def stub(dynamodb: Any) -> Stubber:
    return Stubber(dynamodb)


@pytest.fixture
def lake(dynamodb: Any) -> Lake:
    client: Callable[..., Any] = lambda _service: dynamodb  # noqa: E731
    return Lake("lake", {"VisitorKeyTableName": TABLE}, dynamodb, client)


def item_of(keys: StoredKeys) -> dict[str, Any]:
    item = {"name": {"S": "visitor-key"}, "day": {"S": keys.day.isoformat()}, "key": {"B": keys.key}}
    return item | ({"previous": {"B": keys.previous}} if keys.previous else {})


@pytest.mark.parametrize("day", GOLDEN["days"], ids=lambda day: day["day"])
def test_keys_and_ids_are_those_of_the_ingest_app(day: dict[str, Any]) -> None:
    first = StoredKeys(date.fromisoformat(GOLDEN["firstDay"]), bytes.fromhex(GOLDEN["firstKey"]), None)
    keys = first.turned(date.fromisoformat(day["day"]))
    assert keys.key.hex() == day["key"]
    for known in day["ids"]:
        assert visitor_id(keys.key, keys.day, known["address"], known["agent"]) == known["visitorId"]


@pytest.mark.parametrize(
    "address", ["203.0.113.77", "2001:db8:85a3:8d3:1319:8a2e:370:7348", "::ffff:203.0.113.77"]
)
def test_whole_address_is_truncated_as_the_ingest_app_does(address: str) -> None:
    assert truncated(address) == truncate_ip(address)
    assert visitor_id(b"k", MONDAY, address, "A") == visitor_id(b"k", MONDAY, truncated(address), "A")


def test_long_agent_is_cut_as_the_ingest_app_does() -> None:
    agent = "a" * MAX_AGENT_CHARACTERS
    assert visitor_id(b"k", MONDAY, "203.0.113.7", agent + "b") == visitor_id(
        b"k", MONDAY, "203.0.113.7", agent
    )


def test_today_and_yesterday_have_a_key() -> None:
    assert key_of(STORED, MONDAY, MONDAY) == STORED.key
    assert key_of(STORED, MONDAY - timedelta(days=1), MONDAY) == STORED.previous
    assert key_of(STORED, TUESDAY, TUESDAY) == STORED.turned(TUESDAY).key
    assert key_of(STORED, MONDAY, TUESDAY) == STORED.key


@pytest.mark.parametrize(
    ("stored", "day", "words"),
    [
        (STORED, MONDAY - timedelta(days=2), "the key of 2026-11-21 is gone"),
        (STORED._replace(previous=None), MONDAY - timedelta(days=1), "the key of 2026-11-22 is gone"),
        (STORED, TUESDAY, "2026-11-24 has not begun yet"),
        (None, MONDAY, "there is no visitor key"),
    ],
)
def test_day_without_a_key_is_refused(stored: StoredKeys | None, day: date, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        key_of(stored, day, MONDAY)


def test_address_that_is_none_is_refused() -> None:
    with pytest.raises(CommandError, match="--address nobody: not an IP address"):
        truncated("nobody")


def test_lake_without_the_table_is_named(dynamodb: Any) -> None:
    with pytest.raises(CommandError, match="no table for the visitor key"):
        VisitorKeyItem(Lake("lake", {}, dynamodb))


def test_daily_step_overwrites_the_key_of_an_idle_stage(lake: Lake, stub: Stubber) -> None:
    stub.add_response("get_item", {"Item": item_of(STORED)})
    new = STORED.turned(TUESDAY)
    expected = {
        "TableName": TABLE,
        "Item": item_of(new),
        "ConditionExpression": "#day = :day and #key = :key",
        "ExpressionAttributeNames": {"#day": "day", "#key": "key"},
        "ExpressionAttributeValues": {":day": {"S": "2026-11-23"}, ":key": {"B": STORED.key}},
    }
    stub.add_response("put_item", {}, expected)
    with stub:
        assert VisitorKeyItem(lake).advance(TUESDAY)
    stub.assert_no_pending_responses()
    assert STORED.previous not in new


@pytest.mark.parametrize("found", [{}, {"Item": item_of(STORED)}])
def test_daily_step_has_nothing_to_do(lake: Lake, stub: Stubber, found: Any) -> None:
    stub.add_response("get_item", found)
    with stub:
        assert not VisitorKeyItem(lake).advance(MONDAY)


def test_daily_step_leaves_a_key_that_the_app_has_just_turned(lake: Lake, stub: Stubber) -> None:
    stub.add_response("get_item", {"Item": item_of(STORED)})
    stub.add_client_error("put_item", "ConditionalCheckFailedException")
    with stub:
        assert not VisitorKeyItem(lake).advance(TUESDAY)


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_command_prints_the_number(
    lake: Lake, stub: Stubber, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    today = datetime.now(UTC).date()
    stored = StoredKeys(today, b"k" * 32, None)
    stub.add_response("get_item", {"Item": item_of(stored)})
    monkeypatch.setattr("clicklake.cli.options.find_lake", lambda _stage, _bucket, **_: lake)
    words = ["--address", "203.0.113.77", "--agent", "Agent/1", *arguments]
    with stub:
        result = CliRunner().invoke(command_module.command, words)
    assert result.exit_code == 0, result.output
    number = visitor_id(b"k" * 32, today, "203.0.113.0", "Agent/1")
    if arguments:
        assert json.loads(result.output) == {
            "visitorId": number,
            "day": today.isoformat(),
            "network": "203.0.113.0",
        }
    else:
        assert result.output == f"{number}\n"
