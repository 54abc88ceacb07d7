"""The environment variables that the emulator reads. All others are dropped: functions inherit MiniStack's.

GATEWAY_PORT                     4566: every AWS API
CLICKLAKE_LIVE_PORT              4567: the live page (live/server.py lists its requests)
CLICKLAKE_STATE_DIR              required. Outlives a restart: objects (s3/), the control plane (ministack/),
                                 records in flight (journal.sqlite). Emptied at each start: tmp/
CLICKLAKE_MAX_BUFFER_SECONDS     0.5: no buffer waits longer. There are two
MINISTACK_REGION                 us-east-1
LOG_LEVEL                        WARNING
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class EmulatorSettings:
    gateway_port: int
    live_port: int
    state: Path
    max_buffer_seconds: float
    region: str
    log_level: str


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
    return EmulatorSettings(
        gateway_port=int(number("GATEWAY_PORT", 4566)),
        live_port=int(number("CLICKLAKE_LIVE_PORT", 4567)),
        state=Path(environment["CLICKLAKE_STATE_DIR"]).resolve(),
        max_buffer_seconds=number("CLICKLAKE_MAX_BUFFER_SECONDS", 0.5),
        region=environment.get("MINISTACK_REGION", "us-east-1"),
        log_level=environment.get("LOG_LEVEL", "WARNING"),
    )
