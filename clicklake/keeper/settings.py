"""The keeper's environment variables, which lake.yaml sets."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo


class KeeperSettingsError(ValueError):
    """Stops the start. The message names the variable."""


@dataclass(frozen=True)
class KeeperSettings:
    """An empty text means that the stage does not have it."""

    bucket: str
    stage: str = "dev"
    stream: str = ""
    processor: str = ""
    visitor_key_table: str = ""
    topic: str = ""  # ARN of the alarms' topic
    dashboard: str = ""
    zone: tzinfo = UTC  # of the mail's days
    replays: bool = False


def keeper_settings(environment: Mapping[str, str] = os.environ) -> KeeperSettings:
    """Read them. The columns of a line follow ITEM_ID_FIELD and CATALOGUE_ATTRIBUTES, as in the processor."""
    bucket = environment.get("BUCKET_NAME", "")
    if not bucket:
        raise KeeperSettingsError("BUCKET_NAME is not set: it names the lake's bucket")
    return KeeperSettings(
        bucket,
        stage=environment.get("STAGE") or "dev",
        stream=environment.get("CLICK_STREAM", ""),
        processor=environment.get("PROCESSOR_FUNCTION", ""),
        visitor_key_table=environment.get("VISITOR_KEY_TABLE", ""),
        topic=environment.get("ALARM_TOPIC", ""),
        dashboard=environment.get("DASHBOARD_ADDRESS", ""),
        zone=_zone(environment.get("MAIL_ZONE") or "UTC"),
        replays=_yes_or_no("AUTO_REPLAY", environment.get("AUTO_REPLAY") or "no"),
    )


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise KeeperSettingsError(
            f"MAIL_ZONE is {name!r}; it must be an IANA time zone such as Europe/Berlin"
        ) from None


def _yes_or_no(name: str, value: str) -> bool:
    if value not in ("yes", "no"):
        raise KeeperSettingsError(f"{name} is {value!r}; it must be yes or no")
    return value == "yes"
