"""Answers about past days, kept on this machine: a first view of last month need not read it again.

An answer is named by its question and by what the lake held: when an object of those days changes, nobody
finds the old answer. It holds what a panel shows, no ids of visitors, and only its owner can read it.
"""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from clicklake import __version__
from clicklake.query.queries import QueryResult

MAX_FILES = 2000


class KeptAnswers:
    """One file for each answer."""

    def __init__(self, folder: Path, max_files: int = MAX_FILES) -> None:
        self._folder, self._max_files = folder, max_files

    def get(self, *parts: object) -> QueryResult | None:
        """Return the answer to the question that the parts describe, if it is here."""
        file = self._file(parts)
        try:
            document = json.loads(file.read_bytes())
            result = QueryResult(tuple(document["columns"]), [tuple(row) for row in document["rows"]])
        except (OSError, ValueError, KeyError, TypeError):  # not here, or not whole
            return None
        with suppress(OSError):
            os.utime(file)  # those that were used least recently are deleted first
        return result

    def put(self, result: QueryResult, *parts: object) -> None:
        """Keep the answer, if JSON can hold it and the disk has room."""
        with suppress(OSError, TypeError):
            text = json.dumps({"columns": result.columns, "rows": result.rows})
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with NamedTemporaryFile("w", dir=self._folder, prefix="new-", delete=False) as new:
                new.write(text)
            Path(new.name).replace(self._file(parts))
            self._prune()

    def _file(self, parts: tuple[object, ...]) -> Path:
        name = hashlib.sha256(repr((__version__, *map(str, parts))).encode()).hexdigest()
        return self._folder / f"{name}.json"

    def _prune(self) -> None:
        files = [*self._folder.iterdir()]
        if len(files) > self._max_files:
            oldest = sorted(files, key=lambda file: file.stat().st_mtime)
            for file in oldest[: len(files) - self._max_files * 9 // 10]:
                file.unlink(missing_ok=True)
