"""The buffer on disk: a record that was answered with a RecordId survives the process, even if it is killed.

SQLite repairs a torn write by itself, so a restart needs no code of ours. A commit takes some tens of
microseconds, because the write-ahead log is handed to the operating system without waiting for the disk
(synchronous = NORMAL). So a record survives SIGKILL. A power cut can lose the last records, never the file.
"""

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from clicklake.local.delivery_stream.outcomes import Record

_SCHEMA = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS waiting (
        id TEXT PRIMARY KEY, stream TEXT NOT NULL, arrived_ms INTEGER NOT NULL, data BLOB NOT NULL
    );
"""


class DiskJournal:
    """Thread-safe."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.executescript(_SCHEMA)

    def add(self, stream: str, records: Sequence[Record]) -> None:
        rows = [(record.id, stream, record.arrived_ms, record.data) for record in records]
        with self._lock, self._database:
            self._database.executemany("INSERT INTO waiting VALUES (?, ?, ?, ?)", rows)

    def remove(self, records: Iterable[str]) -> None:
        with self._lock, self._database:
            self._database.executemany("DELETE FROM waiting WHERE id = ?", [(record,) for record in records])

    def streams(self) -> list[str]:
        """Return the ARNs of the streams that have waiting records."""
        with self._lock:
            return [arn for (arn,) in self._database.execute("SELECT DISTINCT stream FROM waiting")]

    def waiting(self, stream: str) -> list[Record]:
        """Return a stream's waiting records in the order in which they were put."""
        query = "SELECT id, data, arrived_ms FROM waiting WHERE stream = ? ORDER BY rowid"
        with self._lock:
            return [Record(*row) for row in self._database.execute(query, (stream,))]

    def count(self) -> int:
        """Return the number of waiting records of all streams."""
        with self._lock:
            (count,) = self._database.execute("SELECT COUNT(*) FROM waiting").fetchone()
        return int(count)

    def close(self) -> None:
        with self._lock:
            self._database.close()
