"""The re-enriched lines of three hours of raw/, by event id, on disk."""

import sqlite3
from collections.abc import Iterable
from datetime import datetime

from clicklake.lake.event_ids import to_id
from clicklake.reenrich.enricher import NewLine

_SCHEMA = """
    PRAGMA journal_mode = OFF;
    CREATE TABLE lines (
        id BLOB PRIMARY KEY, line BLOB NOT NULL, hour TEXT NOT NULL, used_in TEXT
    ) WITHOUT ROWID;
    CREATE INDEX by_hour ON lines (hour);
"""


class LineStore:
    def __init__(self) -> None:
        self._database = sqlite3.connect("")  # a temporary file of SQLite's own
        self._database.executescript(_SCHEMA)

    def add(self, hour: datetime, lines: Iterable[NewLine]) -> None:
        """Insert or overwrite: for a repeated id, keep the line (and the hour) of the later record."""
        rows = ((to_id(new.event_id), new.line, hour.isoformat()) for new in lines)
        self._database.executemany("INSERT OR REPLACE INTO lines VALUES (?, ?, ?, NULL)", rows)

    def forget_before(self, hour: datetime) -> None:
        self._database.execute("DELETE FROM lines WHERE hour < ?", (hour.isoformat(),))

    def claim(self, event_id: str, folder: str) -> bytes | None:
        """Return the id's line the first time that it is claimed for a folder; then None."""
        query = "UPDATE lines SET used_in = ?1 WHERE id = ?2 AND used_in IS NOT ?1 RETURNING line"
        row = self._database.execute(query, (folder, to_id(event_id))).fetchone()
        return row and bytes(row[0])

    def contains(self, event_id: str) -> bool:
        query = "SELECT 1 FROM lines WHERE id = ?"
        return self._database.execute(query, (to_id(event_id),)).fetchone() is not None

    def close(self) -> None:
        self._database.close()
