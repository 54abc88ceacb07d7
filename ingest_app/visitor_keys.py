"""The key of the visitorId: a ratchet that turns at midnight UTC, and cannot be turned back.

    key of the next day = HMAC-SHA256(key of the day, "clicklake: the key of the next day")

Every instance turns the ratchet by itself, so all have the same key without asking each other. The stored key
is overwritten with the new one, and with that of the day before, which an instance needs whose clock is a
second behind. So on a stage with a request a day, the key of a day is gone from everywhere at most 48 hours
after that day has ended, and nobody can compute the day's visitor ids from then on. docs/privacy.md.

clicklake/privacy/ has the same ratchet for operators. tests/data/visitor-ids.json holds both to it.
"""

import hashlib
import hmac
import logging
import secrets
import time
from datetime import date, timedelta
from typing import NamedTuple, Protocol

KEY_BYTES = 32
RETRY_SECONDS = 60
"""How long to wait after the store has failed. Until then visitorId is null, or the key is not stored."""

_NEXT_DAY = b"clicklake: the key of the next day"
_ONE_DAY = timedelta(days=1)


class DayKeys(NamedTuple):
    """What the store holds."""

    day: date
    key: bytes
    previous: bytes | None
    """The key of the day before. None on the first day."""


class KeyStoreUnavailable(Exception):  # noqa: N818 (the name is the state it reports)
    """The store did not answer, or not with a key. The message is an AWS code or an exception's name."""


class KeyStore(Protocol):
    """Holds one DayKeys, and keeps no history of it."""

    def read(self) -> DayKeys | None:
        """Return what is stored. None on the very first day. Raise KeyStoreUnavailable."""

    def replace(self, old: DayKeys | None, new: DayKeys) -> bool:
        """Store `new` if `old` is still stored, and return whether it was. Raise KeyStoreUnavailable."""


def turn(keys: DayKeys, day: date) -> DayKeys:
    """Turn the ratchet to a later day."""
    current, key, previous = keys
    while current < day:
        previous, key = key, hmac.digest(key, _NEXT_DAY, "sha256")
        current += _ONE_DAY
    return DayKeys(current, key, previous)


def visitor_id(key: bytes, day: date, address: str, agent: str) -> str:
    """Return an HMAC of the day, the truncated address and the user agent, as 64 hexadecimal digits.

    Nobody can compute it without the key, not even by trying all addresses.
    """
    message = f"{day:%Y-%m-%d}\n{address}\n{agent}"
    return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()


class VisitorKeys:
    """The keys of one instance of the app. Without a store there are none."""

    def __init__(self, store: KeyStore | None, today: date) -> None:
        self._store = store
        self._keys: DayKeys | None = None
        self._is_stored = False
        self._next_try = time.monotonic()
        if store:
            self._synchronize(today)

    def key_of(self, day: date) -> bytes | None:
        """Return the key of the day. None if there is no store, or if it has not answered yet.

        The first call of a day stores the day's key. A store that does not answer changes no key: all
        instances turn the ratchet alike.
        """
        keys = self._keys
        if self._store and not (keys and self._is_stored and day <= keys.day) and self._may_try():
            self._synchronize(day)
            keys = self._keys
        if keys is None:
            return None
        if day < keys.day:
            return keys.previous if day == keys.day - _ONE_DAY else None
        return turn(keys, day).key if day > keys.day else keys.key

    def _may_try(self) -> bool:
        return time.monotonic() >= self._next_try or (self._is_stored and self._keys is not None)

    def _synchronize(self, day: date) -> None:
        """Adopt the stored key, turned to the day, and store it if it was not."""
        assert self._store
        try:
            keys = self._keys if self._is_stored else self._store.read()
            for _ in range(3):  # another instance may be faster, once for each day it is ahead
                new = turn(keys, day) if keys else DayKeys(day, secrets.token_bytes(KEY_BYTES), None)
                if new == keys or self._store.replace(keys, new):
                    self._keys, self._is_stored = new, True
                    return
                keys = self._store.read()
            raise KeyStoreUnavailable("Conflict")
        except KeyStoreUnavailable as unavailable:
            if self._keys:
                self._keys = turn(self._keys, day)
            self._is_stored = False
            self._next_try = time.monotonic() + RETRY_SECONDS
            logging.getLogger(__name__).warning("The store of the visitor key failed: %s", unavailable)
