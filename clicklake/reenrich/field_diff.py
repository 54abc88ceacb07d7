"""What is different in the lines that are enriched again, by field."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

# The processor's clock says when, not what.
CLOCKS = frozenset(["processedAt", "lagMs"])


@dataclass
class Changes:
    lines: int = 0  # that were looked at
    changed: int = 0  # of them
    gained: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    altered: Counter[str] = field(default_factory=Counter)

    def fields(self) -> list[str]:
        return sorted(self.gained.keys() | self.lost.keys() | self.altered.keys())

    def compare(self, old: dict[str, Any], new: dict[str, Any]) -> bool:
        """Count each field that differs; whether one does."""
        gained, lost = new.keys() - old.keys() - CLOCKS, old.keys() - new.keys() - CLOCKS
        altered = {name for name in (old.keys() & new.keys()) - CLOCKS if old[name] != new[name]}
        self.gained.update(gained)
        self.lost.update(lost)
        self.altered.update(altered)
        differs = bool(gained or lost or altered)
        self.changed += differs
        return differs
