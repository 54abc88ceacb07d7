"""The order of an erasure: search everything, then delete from Athena's results, then from the rest.

A query's result may name no id of the person, but only their events. Which events those are is known as long
as their clicks are there, so an interrupted run finds what it needs when it is run again.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import NamedTuple, TypeVar

from botocore.exceptions import ClientError

from clicklake.erase.columns_search import ColumnsRedactor, hours_without, is_columns_key
from clicklake.erase.query_results import RowRedactor
from clicklake.erase.redactor import DataSubject, RedactionStats, Redactor
from clicklake.erase.versions import (
    COLUMNS,
    FOLDERS,
    LINE_FOLDERS,
    MANIFESTS,
    RESULTS,
    ObjectVersion,
    binary_format,
    folder_of,
    list_folders,
    list_versions,
    redacted_lines,
    redacted_rows,
    replace,
    result_mentions,
)
from clicklake.lake.bucket import Lake
from clicklake.lake.object_stream import ObjectGoneError, UnreadableObjectError
from clicklake.lake.partitions import hour_of_key

T = TypeVar("T")

THREADS = 4
AT_ONCE = 200  # versions that wait for a thread


class UnsearchedVersion(NamedTuple):
    version: ObjectVersion
    reason: str


@dataclass
class FolderCounts:
    """What was found in a folder: in current versions, except for `old_versions` and `mentions`."""

    clicks: int = 0
    unreadable: int = 0  # passages that are not JSON and contain one of the ids
    objects: int = 0
    old_versions: int = 0
    mentions: int = 0  # lines and records that name an id and stay, in all versions


class Erasure:
    """Finds every version that holds a person, then redacts one version at a time."""

    def __init__(self, lake: Lake, subject: DataSubject) -> None:
        self.counts = {folder: FolderCounts() for folder in (*FOLDERS, RESULTS)}
        self.found: list[ObjectVersion] = []  # in the order in which to erase them
        self.unsearched: list[UnsearchedVersion] = []
        self.other_cases: set[str] = set()
        self._lake, self._subject = lake, subject
        self._rows = RowRedactor(frozenset(), frozenset())
        self._columns = ColumnsRedactor(lake, subject, frozenset())
        self._hours_without: set[datetime] = set()

    @property
    def mentions(self) -> int:
        return sum(counts.mentions for counts in self.counts.values())

    def search(self, searched: Callable[[], None]) -> None:
        """Search every version of every object in the bucket. `searched` is called after each."""
        clicks, event_ids = [], set[str]()
        self._hours_without = hours_without(self._lake, self._subject)
        for folder in list_folders(self._lake):
            if folder in (RESULTS, MANIFESTS):
                continue
            if folder == COLUMNS:  # a row is the person's if a line of its event is
                self._columns = ColumnsRedactor(self._lake, self._subject, event_ids)
            for version, stats in self._search_all(folder, self._search):
                searched()
                self._count_mentions(folder, stats)
                if stats.clicks or stats.unreadable:
                    clicks.append(version)
                    event_ids |= stats.event_ids
                    self._count(folder, version, stats)
        self._rows = RowRedactor(self._subject.ids | self._subject.texts, event_ids)
        for version, mentions in self._search_all(RESULTS, self._search_result):
            searched()
            if mentions:
                self.found.append(version)
                self._count(RESULTS, version, RedactionStats())
        self.found += clicks

    def search_columns_again(self) -> list[ObjectVersion]:
        """Return the versions in columns/ that hold the person by now: `compact` may have written some."""
        found = []
        for version, stats in self._search_all(COLUMNS, self._search):
            if stats.clicks or stats.unreadable:
                found.append(version)
                self._count(COLUMNS, version, stats)
        return found

    def erase(self, version: ObjectVersion) -> None:
        if is_columns_key(version.key):
            self._columns.erase(version)
            return
        if version.key.startswith(RESULTS):
            content = redacted_rows(self._lake, version, self._rows)
        else:
            content = redacted_lines(self._lake, version, Redactor(self._subject))
        replace(self._lake, version, content)

    def _search(self, version: ObjectVersion) -> RedactionStats:
        if version.is_current and self._is_without(version.key):
            return RedactionStats()
        redactor = Redactor(self._subject)
        try:
            if is_columns_key(version.key):
                return self._columns.search(version)
            if folder_of(version.key) not in LINE_FOLDERS and (name := binary_format(self._lake, version)):
                return self._leave(version, f"{name} cannot be searched")
            for _ in redacted_lines(self._lake, version, redactor):
                pass
        except ObjectGoneError:  # deleted since it was listed
            return RedactionStats()
        except UnreadableObjectError as error:
            return self._leave(version, str(error))
        except ClientError as error:
            return self._leave(version, error.response["Error"].get("Message") or str(error))
        return redactor.stats

    def _is_without(self, key: str) -> bool:
        """Return whether the index says that the object neither holds nor mentions the person."""
        return key.startswith(("clicks/", COLUMNS)) and _hour_of(key) in self._hours_without

    def _leave(self, version: ObjectVersion, reason: str) -> RedactionStats:
        self.unsearched.append(UnsearchedVersion(version, reason))
        return RedactionStats()

    def _search_result(self, version: ObjectVersion) -> bool:
        try:
            return result_mentions(self._lake, version, self._rows)
        except ObjectGoneError:
            return False
        except UnreadableObjectError as error:
            self._leave(version, str(error))
        except ClientError as error:
            self._leave(version, error.response["Error"].get("Message") or str(error))
        return False

    def _search_all(
        self, folder: str, search: Callable[[ObjectVersion], T]
    ) -> Iterator[tuple[ObjectVersion, T]]:
        """Search several versions at once, in the order of their keys."""
        versions = list_versions(self._lake, folder)
        with ThreadPoolExecutor(THREADS) as threads:
            while batch := list(islice(versions, AT_ONCE)):
                yield from zip(batch, threads.map(search, batch), strict=True)

    def _count_mentions(self, folder: str, stats: RedactionStats) -> None:
        self.other_cases |= stats.other_cases
        if stats.mentions:
            self.counts.setdefault(folder, FolderCounts()).mentions += stats.mentions

    def _count(self, folder: str, version: ObjectVersion, stats: RedactionStats) -> None:
        counts = self.counts.setdefault(folder, FolderCounts())
        if version.is_current:
            counts.objects += 1
            counts.clicks += stats.clicks
            counts.unreadable += stats.unreadable
        else:
            counts.old_versions += 1


def _hour_of(key: str) -> datetime | None:
    try:
        return hour_of_key(key)
    except ValueError:
        return None
