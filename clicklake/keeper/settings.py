"""The keeper's environment variables, which lake.yaml sets."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


class KeeperSettingsError(ValueError):
    """Stops the start. The message names the variable."""


@dataclass(frozen=True)
class KeeperSettings:
    bucket: str


def keeper_settings(environment: Mapping[str, str] = os.environ) -> KeeperSettings:
    """Read them. The columns of a line follow ITEM_ID_FIELD and CATALOGUE_ATTRIBUTES, as in the processor."""
    bucket = environment.get("BUCKET_NAME", "")
    if not bucket:
        raise KeeperSettingsError("BUCKET_NAME is not set: it names the lake's bucket")
    return KeeperSettings(bucket)
