"""The order of an erasure: everything is searched; then Athena's results go, then all the rest.

A query's result may name no id of the person, only their events: which those are is known as long as their
clicks are there. So a run that was interrupted finds, when it is run again, what it needs.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from clicklake.erase.query_results import RowEraser
from clicklake.erase.redactor import Erased, Eraser, Person
from clicklake.erase.versions import (
    FOLDERS,
    RESULTS,
    Version,
    left_of,
    left_of_result,
    replace,
    result_holds,
    versions,
)
from clicklake.lake.bucket import BROKEN, Lake

T = TypeVar("T")

THREADS = 4
AT_ONCE = 200  # versions that wait for a thread


@dataclass
class FolderCounts:
    """Of the newest versions, but for `old_versions`."""

    clicks: int = 0
    unreadable: int = 0  # stretches that are no JSON and hold one of the ids
    objects: int = 0
    old_versions: int = 0


class Erasure:
    def __init__(self, lake: Lake, person: Person) -> None:
        self.counts = {folder: FolderCounts() for folder in (*FOLDERS, RESULTS)}
        self.found: list[Version] = []  # in the order in which they are to go
        self.unreadable: list[Version] = []
        self._lake, self._person = lake, person
        self._rows = RowEraser(frozenset(), frozenset())

    def search(self, searched: Callable[[], None]) -> None:
        clicks, event_ids = [], set()
        for folder in FOLDERS:
            for version, erased in self._each(folder, self._search):
                searched()
                if erased.clicks or erased.unreadable:
                    clicks.append(version)
                    event_ids |= erased.event_ids
                    self._count(folder, version, erased)
        self._rows = RowEraser(self._person.ids, event_ids)
        for version, holds in self._each(RESULTS, self._search_result):
            searched()
            if holds:
                self.found.append(version)
                self._count(RESULTS, version, Erased())
        self.found += clicks

    def erase(self, version: Version) -> None:
        if version.key.startswith(RESULTS):
            left = left_of_result(self._lake, version, self._rows)
        else:
            left = left_of(self._lake, version, Eraser(self._person))
        replace(self._lake, version, left)

    def _search(self, version: Version) -> Erased:
        eraser = Eraser(self._person)
        try:
            for _ in left_of(self._lake, version, eraser):
                pass
        except BROKEN:
            self.unreadable.append(version)
            return Erased()
        return eraser.erased

    def _search_result(self, version: Version) -> bool:
        try:
            return result_holds(self._lake, version, self._rows)
        except BROKEN:
            self.unreadable.append(version)
            return False

    def _each(self, folder: str, search: Callable[[Version], T]) -> Iterator[tuple[Version, T]]:
        """Search several at once, in the order of the keys."""
        all_versions = versions(self._lake, folder)
        with ThreadPoolExecutor(THREADS) as threads:
            while some := list(islice(all_versions, AT_ONCE)):
                yield from zip(some, threads.map(search, some), strict=True)

    def _count(self, folder: str, version: Version, erased: Erased) -> None:
        counts = self.counts[folder]
        if version.is_current:
            counts.objects += 1
            counts.clicks += erased.clicks
            counts.unreadable += erased.unreadable
        else:
            counts.old_versions += 1
