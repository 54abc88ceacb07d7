"""The key of the visitorId in a DynamoDB table of one item, which keeps no earlier version of it.

docs/decisions/visitor-key.md says why it is there and nowhere else.
"""

from datetime import date
from typing import Any

from ingest_app.aws.client import AwsError, call, make_client
from ingest_app.visitor_keys import KEY_BYTES, DayKeys, KeyStoreUnavailable

CONNECT_SECONDS = 1
ANSWER_SECONDS = 1
"""Short, because a visitor waits at midnight, and because a visitorId may be missing but a click may not."""

ITEM = {"name": {"S": "visitor-key"}}
_STILL_THE_SAME = "#day = :day and #key = :key"
_STILL_NONE = "attribute_not_exists(#day)"


class VisitorKeyTable:
    """A KeyStore. The app may read and write its one item."""

    def __init__(self, table: str, user_agent: str, region: str | None = None) -> None:
        """Raise SettingsError if no region is configured."""
        self._table = table
        self._client = make_client("dynamodb", user_agent, region, CONNECT_SECONDS, ANSWER_SECONDS)

    def read(self) -> DayKeys | None:
        response = self._call(self._client.get_item, Key=ITEM, ConsistentRead=True)
        item = response.get("Item")
        return _from_item(item) if item else None

    def replace(self, old: DayKeys | None, new: DayKeys) -> bool:
        names = {"#day": "day"}
        condition: dict[str, Any] = {"ConditionExpression": _STILL_NONE}
        if old:
            names["#key"] = "key"
            values = {":day": {"S": old.day.isoformat()}, ":key": {"B": old.key}}
            condition = {"ConditionExpression": _STILL_THE_SAME, "ExpressionAttributeValues": values}
        try:
            self._call(self._client.put_item, Item=_to_item(new), ExpressionAttributeNames=names, **condition)
        except KeyStoreUnavailable as unavailable:
            if str(unavailable) == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def _call(self, operation: Any, **parameters: Any) -> dict[str, Any]:
        try:
            return call(operation, TableName=self._table, **parameters)
        except AwsError as error:
            raise KeyStoreUnavailable(error.code) from None


def _to_item(keys: DayKeys) -> dict[str, Any]:
    item: dict[str, Any] = {**ITEM, "day": {"S": keys.day.isoformat()}, "key": {"B": keys.key}}
    return item | ({"previous": {"B": keys.previous}} if keys.previous else {})


def _from_item(item: dict[str, Any]) -> DayKeys:
    try:
        day = date.fromisoformat(item["day"]["S"])
        key, previous = bytes(item["key"]["B"]), bytes(item.get("previous", {}).get("B", b""))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise KeyStoreUnavailable("MalformedItem") from None
    if len(key) != KEY_BYTES or len(previous) not in (0, KEY_BYTES):
        raise KeyStoreUnavailable("MalformedItem")
    return DayKeys(day, key, previous or None)
