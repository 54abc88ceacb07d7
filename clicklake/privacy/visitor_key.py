"""The key of the visitorId, as an operator's machine or a scheduled function needs it.

ingest_app/visitor_keys.py has the same ratchet and says how it works. The two share no code, because they are
deployed apart. tests/data/visitor-ids.json holds both to the same keys and ids.
"""

import hashlib
import hmac
from datetime import date, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, NamedTuple

from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake

MAX_AGENT_CHARACTERS = 1024  # what the ingest app keeps of a user agent

_NEXT_DAY = b"clicklake: the key of the next day"
_ITEM = {"name": {"S": "visitor-key"}}
_ONE_DAY = timedelta(days=1)


class StoredKeys(NamedTuple):
    """The table's one item."""

    day: date
    key: bytes
    previous: bytes | None

    def turned(self, day: date) -> "StoredKeys":
        """Turn the ratchet to a later day."""
        keys = self
        while keys.day < day:
            next_key = hmac.digest(keys.key, _NEXT_DAY, "sha256")
            keys = StoredKeys(keys.day + _ONE_DAY, next_key, keys.key)
        return keys


class VisitorKeyItem:
    """The item of one lake's table."""

    def __init__(self, lake: Lake) -> None:
        """Raises CommandError if the lake has no table."""
        if "VisitorKeyTableName" not in lake.outputs:
            raise CommandError(
                "this lake has no table for the visitor key: pass --stage, and deploy the lake"
            )
        self._table = lake.outputs["VisitorKeyTableName"]
        self._client = lake.client("dynamodb")

    def read(self) -> StoredKeys | None:
        """Return what is stored; None if no click has ever needed a key."""
        response = self._client.get_item(TableName=self._table, Key=_ITEM, ConsistentRead=True)
        item = response.get("Item")
        if not item:
            return None
        previous = item.get("previous", {}).get("B")
        return StoredKeys(
            date.fromisoformat(item["day"]["S"]),
            bytes(item["key"]["B"]),
            bytes(previous) if previous else None,
        )

    def advance(self, today: date) -> bool:
        """Overwrite a key of an earlier day with today's. Return whether this call did it.

        The ingest app does so itself at the first request of a day. The keeper calls this once a day, for
        stages without traffic.
        """
        stored = self.read()
        if stored is None or stored.day >= today:
            return False
        new = stored.turned(today)
        item = _ITEM | {"day": {"S": new.day.isoformat()}, "key": {"B": new.key}}
        item |= {"previous": {"B": new.previous}} if new.previous else {}
        values: dict[str, Any] = {":day": {"S": stored.day.isoformat()}, ":key": {"B": stored.key}}
        try:
            self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="#day = :day and #key = :key",
                ExpressionAttributeNames={"#day": "day", "#key": "key"},
                ExpressionAttributeValues=values,
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False  # the app was faster
        return True


def key_of(stored: StoredKeys | None, day: date, today: date) -> bytes:
    """Return the key of a day. Raises CommandError if nobody has it."""
    if stored is None:
        raise CommandError("there is no visitor key: no click has needed one since the table was made")
    if day > today:
        raise CommandError(f"{day} has not begun yet (UTC)")
    current = stored.turned(today)
    if day == current.day:
        return current.key
    if day == current.day - _ONE_DAY and current.previous:
        return current.previous
    raise CommandError(f"the key of {day} is gone: nobody can compute that day's visitor ids any more")


def visitor_id(key: bytes, day: date, address: str, agent: str) -> str:
    """Return the id that the ingest app gives to a whole or truncated address. Raises CommandError."""
    message = f"{day:%Y-%m-%d}\n{truncated(address)}\n{agent[:MAX_AGENT_CHARACTERS]}"
    return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()


def truncated(text: str) -> str:
    """Truncate an address to /24 or /48, as the ingest app does."""
    try:
        address = ip_address(text)
    except ValueError:
        raise CommandError(f"--address {text}: not an IP address") from None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    dropped = 8 if isinstance(address, IPv4Address) else 80
    return str(type(address)(int(address) >> dropped << dropped))
