"""Signed values that the browser stores. They expire, and cannot be forged or changed without our key."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from itsdangerous import BadData, URLSafeSerializer


class Signatures:
    """Signs texts with the key of the password. What is signed for one purpose is invalid for any other."""

    def __init__(self, key: bytes, clock: Callable[[], datetime]) -> None:
        self._key, self._clock = key, clock

    def sign(self, purpose: str, text: str, lifetime: timedelta) -> str:
        until = int((self._clock() + lifetime).timestamp())
        return str(self._serializer(purpose).dumps([text, until]))

    def read(self, purpose: str, signed: str) -> str | None:
        """Return the text; None if the signature is wrong or has expired."""
        try:
            text, until = self._serializer(purpose).loads(signed)
        except (BadData, ValueError, TypeError):
            return None
        return text if isinstance(text, str) and self._clock().timestamp() < until else None

    def pseudonym(self, text: str) -> str:
        """Return a keyed hash of the text. Without the key, nobody can recover the text from it."""
        return hashlib.blake2b(text.encode(), key=self._key, digest_size=12).hexdigest()

    def _serializer(self, purpose: str) -> URLSafeSerializer:
        options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        return URLSafeSerializer(self._key, salt=f"clicklake {purpose}", signer_kwargs=options)
