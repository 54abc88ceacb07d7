"""The rows of a verification: what was checked, what was expected, what was seen."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from botocore.exceptions import BotoCoreError, ClientError

from clicklake.errors import CommandError

Outcome = Literal["ok", "failed", "skipped"]
MAX_SEEN_CHARACTERS = 300


@dataclass(frozen=True)
class VerifiedRow:
    what: str
    expected: str
    seen: str
    seconds: float
    outcome: Outcome


class CheckFailedError(Exception):
    """The stage does not do what it should. The message says what was seen."""


class CheckSkippedError(Exception):
    """The check does not apply to this stage. The message says why."""


@dataclass
class Recorder:
    """Runs checks one after the other, and keeps a row of each."""

    shown: Callable[[VerifiedRow], None] = lambda row: None
    rows: list[VerifiedRow] = field(default_factory=list)

    def check(self, what: str, expected: str, run: Callable[[], str]) -> bool:
        """Run a check, which returns what it saw. Return whether it is well; a failure ends only itself."""
        start = time.monotonic()
        outcome: Outcome = "ok"
        try:
            seen = run()
        except CheckSkippedError as skipped:
            seen, outcome = str(skipped), "skipped"
        except CheckFailedError as failed:
            seen, outcome = str(failed), "failed"
        except CommandError as error:
            seen, outcome = error.message, "failed"
        except (ClientError, BotoCoreError, OSError, ValueError) as error:
            seen, outcome = f"{type(error).__name__}: {error}", "failed"
        seen = seen if len(seen) <= MAX_SEEN_CHARACTERS else seen[: MAX_SEEN_CHARACTERS - 1] + "…"
        row = VerifiedRow(what, expected, seen, round(time.monotonic() - start, 1), outcome)
        self.rows.append(row)
        self.shown(row)
        return outcome == "ok"

    @property
    def failures(self) -> int:
        return sum(row.outcome == "failed" for row in self.rows)


def require(is_true: bool, seen: str) -> str:
    """Return what was seen. Raises CheckFailedError with it unless `is_true`."""
    if not is_true:
        raise CheckFailedError(seen)
    return seen
