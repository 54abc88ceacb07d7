"""Count, by field, how re-enriched lines differ from the old ones."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

# When a line was processed is not a difference in what it says.
CLOCKS = frozenset(["processedAt", "lagMs"])


@dataclass
class FieldDiff:
    lines: int = 0  # compared
    changed: int = 0  # of these
    added: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    altered: Counter[str] = field(default_factory=Counter)

    def fields(self) -> list[str]:
        return sorted(self.added.keys() | self.removed.keys() | self.altered.keys())

    def compare(self, old: dict[str, Any], new: dict[str, Any]) -> bool:
        """Count each field that differs. Return whether any does."""
        added, removed = new.keys() - old.keys() - CLOCKS, old.keys() - new.keys() - CLOCKS
        altered = {name for name in (old.keys() & new.keys()) - CLOCKS if old[name] != new[name]}
        self.added.update(added)
        self.removed.update(removed)
        self.altered.update(altered)
        differs = bool(added or removed or altered)
        self.changed += differs
        return differs
