"""The password of a deployed dashboard: dashboard/password.json holds its hash, and the signing key.

`clicklake dashboard-password` writes the object, and a deployment never does. A new password brings a new
key: nothing that was signed before is valid any more, neither sessions nor share links.
"""

import base64
import secrets
from datetime import datetime
from typing import NamedTuple

from werkzeug.security import check_password_hash, generate_password_hash

from clicklake.dashboard.shared_state import Document
from clicklake.errors import CommandError

NAME = "password.json"
MIN_CHARACTERS, MAX_CHARACTERS = 12, 256
METHOD = "scrypt:32768:8:1"
"""N, r and p: 32 MiB and about 60 ms of a core. cheatsheetseries.owasp.org (Password Storage)"""
SALT_CHARACTERS = 22  # of 62: 131 bits
KEY_BYTES = 32


class DashboardPassword(NamedTuple):
    hash: str
    """scrypt, with its parameters and its salt."""
    signing_key: bytes


def password_document(password: str, now: datetime) -> Document:
    """Return what is stored of a new password. Raises CommandError naming the rule that it breaks."""
    if not MIN_CHARACTERS <= len(password) <= MAX_CHARACTERS:
        raise CommandError(
            f"the password has {len(password)} characters: it needs {MIN_CHARACTERS} to {MAX_CHARACTERS}"
        )
    return {
        "hash": generate_password_hash(password, METHOD, SALT_CHARACTERS),
        "signingKey": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode(),
        "changedAt": now.isoformat(timespec="seconds"),
    }


def parse_password(document: Document | None) -> DashboardPassword | None:
    """Return the stored password; None if there is none, or if it cannot be one of ours."""
    try:
        stored = document or {}
        key = base64.b64decode(stored["signingKey"], validate=True)
        method = str(stored["hash"]).partition("$")[0]
    except (KeyError, ValueError, TypeError):
        return None
    # Another method could be cheap to guess, or cost more than a request may.
    return DashboardPassword(stored["hash"], key) if method == METHOD and len(key) == KEY_BYTES else None


def is_right(password: DashboardPassword, given: str) -> bool:
    return len(given) <= MAX_CHARACTERS and check_password_hash(password.hash, given)
