"""The environment variables that the emulator reads. All others are dropped: functions inherit MiniStack's.

GATEWAY_PORT                     4566: every AWS API
CLICKLAKE_LIVE_PORT              4567: the live page (live/server.py lists its requests)
CLICKLAKE_STATE_DIR              required. Outlives a restart: objects (s3/), the control plane (ministack/),
                                 records in flight (journal.sqlite). Emptied at each start: tmp/
CLICKLAKE_ACCESS_KEY_ID          required: the root user's key; not one that guard.py refuses
CLICKLAKE_SECRET_ACCESS_KEY      required
CLICKLAKE_SITE_URL               none: a page to click on; an empty live page links to it
CLICKLAKE_CURL                   none: a command that sends a click; an empty live page shows it
CLICKLAKE_MAX_BUFFER_SECONDS     0.5: no buffer waits longer. There are two
MINISTACK_REGION                 us-east-1
LOG_LEVEL                        WARNING
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clicklake.local.emulator.guard import is_refused_key


@dataclass(frozen=True)
class EmulatorSettings:
    gateway_port: int
    live_port: int
    state: Path
    max_buffer_seconds: float
    region: str
    log_level: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    site_url: str = ""
    curl: str = ""


def read_settings(environment: Mapping[str, str]) -> EmulatorSettings:
    """Raise SystemExit, which names the variable, if one is missing or invalid."""

    def number(name: str, default: float) -> float:
        value = environment.get(name, str(default))
        try:
            return float(value)
        except ValueError:
            raise SystemExit(f"{name} must be a number, not {value!r}") from None

    if not environment.get("CLICKLAKE_STATE_DIR"):
        raise SystemExit("CLICKLAKE_STATE_DIR must name a directory")
    access_key_id = environment.get("CLICKLAKE_ACCESS_KEY_ID", "")
    if is_refused_key(access_key_id):
        raise SystemExit("CLICKLAKE_ACCESS_KEY_ID must be set, and be neither `test` nor twelve digits")
    if not environment.get("CLICKLAKE_SECRET_ACCESS_KEY"):
        raise SystemExit("CLICKLAKE_SECRET_ACCESS_KEY must be set")
    return EmulatorSettings(
        gateway_port=int(number("GATEWAY_PORT", 4566)),
        live_port=int(number("CLICKLAKE_LIVE_PORT", 4567)),
        state=Path(environment["CLICKLAKE_STATE_DIR"]).resolve(),
        max_buffer_seconds=number("CLICKLAKE_MAX_BUFFER_SECONDS", 0.5),
        region=environment.get("MINISTACK_REGION", "us-east-1"),
        log_level=environment.get("LOG_LEVEL", "WARNING"),
        access_key_id=access_key_id,
        secret_access_key=environment["CLICKLAKE_SECRET_ACCESS_KEY"],
        site_url=environment.get("CLICKLAKE_SITE_URL", ""),
        curl=environment.get("CLICKLAKE_CURL", ""),
    )
