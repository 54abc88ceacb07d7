"""What the emulator reads of its environment. The rest is dropped: MiniStack hands its own to every function.

GATEWAY_PORT                     4566: every AWS API
CLICKLAKE_LIVE_PORT              4567: the live page (live.py says what it answers)
CLICKLAKE_STATE_DIR              required; holds what outlives a restart: objects (s3/), the control plane
                                 (ministack/), records on their way (journal.sqlite); and tmp/, emptied
                                 at each start
CLICKLAKE_MAX_BUFFER_SECONDS     0.5: no buffer waits longer; there are two
MINISTACK_REGION                 us-east-1
LOG_LEVEL                        WARNING
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    gateway_port: int
    live_port: int
    state: Path
    max_buffer_seconds: float
    region: str
    log_level: str


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Raises SystemExit naming the variable that is missing or wrong."""

    def number(name: str, default: float) -> float:
        value = environment.get(name, str(default))
        try:
            return float(value)
        except ValueError:
            raise SystemExit(f"{name} must be a number, not {value!r}") from None

    if not environment.get("CLICKLAKE_STATE_DIR"):
        raise SystemExit("CLICKLAKE_STATE_DIR must name a directory")
    return Settings(
        gateway_port=int(number("GATEWAY_PORT", 4566)),
        live_port=int(number("CLICKLAKE_LIVE_PORT", 4567)),
        state=Path(environment["CLICKLAKE_STATE_DIR"]).resolve(),
        max_buffer_seconds=number("CLICKLAKE_MAX_BUFFER_SECONDS", 0.5),
        region=environment.get("MINISTACK_REGION", "us-east-1"),
        log_level=environment.get("LOG_LEVEL", "WARNING"),
    )
