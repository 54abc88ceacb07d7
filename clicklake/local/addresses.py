"""Where the local cloud of a folder is, and the keys that open it.

addresses.json exists while the cloud runs. The keys are made once per folder, so that a shell which has them
can go on after a restart. Both files can be read by their owner alone.
"""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

REGION = "us-east-1"
TOKEN_BYTES = 32
_KEY_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True)
class LocalKeys:
    """The keys of the emulator's root user."""

    access_key_id: str
    secret_access_key: str = field(repr=False)

    def environment(self, endpoint: str) -> dict[str, str]:
        """Return the variables with which AWS tools reach the local cloud, and nothing else."""
        return {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }


def keys_of(folder: Path) -> LocalKeys:
    """Return the keys of this folder. They are made on the first call."""
    file = folder / "keys.json"
    if file.exists():
        return LocalKeys(**json.loads(file.read_text()))
    key_id = "AKIA" + "".join(secrets.choice(_KEY_CHARACTERS) for _ in range(16))
    keys = LocalKeys(key_id, secrets.token_urlsafe(30))
    write_private(file, asdict(keys))
    return keys


def new_token() -> str:
    """Return a new key of the dashboard's page."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def addresses_file(folder: Path) -> Path:
    return folder / "addresses.json"


def read_addresses(folder: Path) -> dict[str, str] | None:
    """Return the addresses of the cloud that runs in this folder, or None if none runs."""
    try:
        addresses: dict[str, str] = json.loads(addresses_file(folder).read_text())
    except FileNotFoundError:
        return None
    return addresses


def write_private(file: Path, content: dict[str, str]) -> None:
    """Write a JSON file for its owner alone. A process that waits for it never reads half of it."""
    partial = file.with_suffix(".partial")
    partial.unlink(missing_ok=True)  # an old one may have wider rights
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as output:
        output.write(json.dumps(content, indent=2) + "\n")
    partial.replace(file)
