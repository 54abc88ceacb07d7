"""Find and remove a person in columns/, and use it as an index: a few columns say in which hours they are."""

import json
from collections.abc import Iterable, Iterator, Set
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import duckdb
from botocore.exceptions import ClientError
from duckdb import DuckDBPyConnection

from clicklake.erase.needles import spellings
from clicklake.erase.redactor import DataSubject, RedactionStats, Redactor
from clicklake.erase.versions import ObjectVersion, delete_version
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake, S3Object
from clicklake.lake.columns import (
    columns_key,
    list_clicks,
    list_columns,
    read_metadata,
    source_fingerprint,
)
from clicklake.lake.object_stream import UnreadableObjectError
from clicklake.lake.partitions import Span, hour_of_key
from clicklake.tables.database import first_line, open_database, sql_list, sql_text
from clicklake.tables.parquet_cache import ParquetCache
from clicklake.tables.parquet_files import COPY_OPTIONS

FIELDS = {"eventid": "eventId", "userid": "userId", "visitorid": "visitorId", "sessionid": "sessionId"}

_JSON_CHARACTERS = frozenset("\"\\{}[]:,'")
"""An id with one of these could match the characters between the fields of a line, which no column has."""


_WITHOUT_TEXT = ("occurredat", "sentat", "receivedat", "processedat", "event_time", "requestid")
"""Columns that only our servers write. The other texts may come from a stranger."""


class Candidate(NamedTuple):
    """A row that may be the person's, or may mention them."""

    file: str
    event_id: str
    row: dict[str, Any]


def is_columns_key(key: str) -> bool:
    try:
        return key == columns_key(hour_of_key(key))
    except ValueError:
        return False


def hours_without(lake: Lake, subject: DataSubject) -> set[datetime]:
    """Return the hours whose lines in clicks/ neither are the person's nor mention them.

    Those are hours with a current object in columns/ that shows all of their lines. If a text is looked for,
    there are none: a line can hold fields that no column has.
    """
    if subject.texts or any(_JSON_CHARACTERS & set(text) for text in subject.ids):
        return set()
    objects = indexed_hours(lake)
    if not objects:
        return set()
    files = ParquetCache(lake).fetch(objects)
    with TemporaryDirectory(prefix="clicklake-") as folder, open_database(Path(folder)) as db:
        found = files_with_ids(db, files.values(), subject)
        others = [file for file in files.values() if str(file) not in found]
        if others:
            found |= {candidate.file for candidate in _candidates(db, others, subject, frozenset())}
    return {hour for hour, file in files.items() if str(file) not in found}


def files_with_ids(db: DuckDBPyConnection, files: Iterable[Path], subject: DataSubject) -> set[str]:
    """Return the files with a row of one of the person's ids: a matter of three columns."""
    source = f"read_parquet({sql_list(files)}, filename = true, hive_partitioning = false)"
    ids = {"userid": subject.user_ids, "visitorid": subject.visitor_ids, "sessionid": subject.session_ids}
    conditions = [f"{name} in {_in(values)}" for name, values in ids.items() if values]
    sql = f"select distinct filename from {source} where {' or '.join(conditions)}"  # noqa: S608 (quoted)
    return {file for (file,) in db.execute(sql).fetchall()}


def indexed_hours(lake: Lake) -> dict[datetime, S3Object]:
    """Return the objects in columns/ that show every line of their hour."""
    days = lake.days("clicks/") & lake.days("columns/")
    if not days:
        return {}
    first, last = (datetime.combine(day, time(), UTC) for day in (min(days), max(days)))
    span = Span(first, last + timedelta(days=1))
    clicks, objects = list_clicks(lake, span), list_columns(lake, span)
    metadata = read_metadata(lake, objects.values())
    return {
        hour: found
        for hour, found in objects.items()
        if (own := metadata.get(found.key))
        and not own.unseen
        and own.source == source_fingerprint(clicks.get(hour, []))
    }


class ColumnsRedactor:
    """Searches versions of objects in columns/, and writes them without the person."""

    def __init__(self, lake: Lake, subject: DataSubject, event_ids: Set[str]) -> None:
        self._lake, self._subject = lake, subject
        self._event_ids = frozenset(event_ids)

    def search(self, version: ObjectVersion) -> RedactionStats:
        """Raises UnreadableObjectError if the version is not Parquet as `compact` writes it."""
        with TemporaryDirectory(prefix="clicklake-") as name, open_database(Path(name)) as db:
            return self._search(db, self._download(version, Path(name))).stats

    def erase(self, version: ObjectVersion) -> None:
        """Put the object without the person's rows, if it is still this one; then delete this version."""
        if not version.is_current:
            delete_version(self._lake, version)
            return
        with TemporaryDirectory(prefix="clicklake-") as name, open_database(Path(name)) as db:
            file = self._download(version, Path(name))
            removed = self._search(db, file).event_ids
            if not removed:
                return
            new = self._put(db, version, file, removed, Path(name))
        if new not in (None, version.id):  # without versioning, this version is gone already
            delete_version(self._lake, version)
        ParquetCache(self._lake).forget(hour_of_key(version.key))

    def _download(self, version: ObjectVersion, folder: Path) -> Path:
        file = folder / "stored.parquet"
        with file.open("wb") as body:
            body.writelines(self._lake.read_raw(version.key, version.id))
        return file

    def _search(self, db: DuckDBPyConnection, file: Path) -> "_Found":
        redactor = Redactor(self._subject)
        event_ids = set[str]()
        try:
            for candidate in _candidates(db, [file], self._subject, self._event_ids):
                line = json.dumps(candidate.row, ensure_ascii=False, default=str).encode(errors="replace")
                if candidate.event_id in self._event_ids:
                    redactor.stats.clicks += 1
                    event_ids.add(candidate.event_id)
                elif not redactor.redact_line(line):
                    event_ids.add(candidate.event_id)
        except duckdb.Error as error:
            raise UnreadableObjectError(f"it is not readable Parquet: {first_line(error)}") from error
        redactor.stats.event_ids |= event_ids
        return _Found(redactor.stats, event_ids)

    def _put(
        self, db: DuckDBPyConnection, version: ObjectVersion, file: Path, removed: Set[str], folder: Path
    ) -> str | None:
        """Return the new version. Raises CommandError if the object was replaced meanwhile."""
        target = folder / "events.parquet"
        kept = f"select * from read_parquet({sql_text(file)}) where eventid not in {_in(removed)}"  # noqa: S608
        db.execute("set preserve_insertion_order = true")
        db.execute(f"copy ({kept}) to {sql_text(target)} ({COPY_OPTIONS})")
        (rows,) = db.execute(f"select count(*) from read_parquet({sql_text(target)})").fetchall()[0]  # noqa: S608
        head = self._lake.s3.head_object(Bucket=self._lake.bucket, Key=version.key)
        if head.get("VersionId", "null") != version.id:
            raise _written_meanwhile(version)
        place: Any = {"Bucket": self._lake.bucket, "Key": version.key}
        if not rows:  # a delete marker first, so that the version before this one does not come back
            return self._lake.s3.delete_object(**place).get("VersionId")
        try:
            with target.open("rb") as body:
                return self._lake.s3.put_object(
                    **place,
                    Body=body,
                    ContentType=head["ContentType"],
                    Metadata=head["Metadata"] | {"events": str(rows)},
                    IfMatch=head["ETag"],
                ).get("VersionId")
        except ClientError as error:
            if error.response["Error"]["Code"] in ("PreconditionFailed", "412"):
                raise _written_meanwhile(version) from error
            raise


class _Found(NamedTuple):
    stats: RedactionStats
    event_ids: set[str]


def _written_meanwhile(version: ObjectVersion) -> CommandError:
    return CommandError(f"{version.key} was written meanwhile; run this again when nothing else runs")


def _candidates(
    db: DuckDBPyConnection, files: Iterable[Path], subject: DataSubject, event_ids: Set[str]
) -> Iterator[Candidate]:
    """Yield the rows that have one of the ids, or in which any text of theirs occurs in any case."""
    source = (
        f"read_parquet({sql_list(files)}, union_by_name = true, filename = true, hive_partitioning = false)"
    )
    types: dict[str, str] = {
        name: kind
        for name, kind, *_ in db.execute(f"describe select * from {source}").fetchall()  # noqa: S608
        if name != "filename"
    }
    conditions = [f"eventid in {_in(event_ids)}"] if event_ids else []
    words = _in_any_case(word for text in subject.ids | subject.texts for word in spellings(text))
    for name, kind in types.items():
        for text in _texts_of(name, kind, words):
            conditions += [f"contains({text}, lower({sql_text(word)}))" for word in words]
    cursor = db.execute(
        f"select filename, {', '.join(types)} from {source} where {' or '.join(conditions)}"  # noqa: S608
    )
    while rows := cursor.fetchmany(1000):
        for file, *values in rows:
            row = dict(zip(types, values, strict=True))
            named = {FIELDS.get(name) or name: value for name, value in row.items() if value is not None}
            yield Candidate(file, str(row["eventid"]), named)


def _texts_of(name: str, kind: str, words: Iterable[str]) -> list[str]:
    """Return the SQL of the column's texts, in lower case. A number or a boolean holds no text."""
    if kind == "VARCHAR" and name not in _WITHOUT_TEXT:
        return [f"lower({name})"]
    if kind.startswith("MAP"):
        if not any("'" in word or "\\" in word for word in words):
            return [
                f"lower(cast({name} as varchar))"
            ]  # which escapes these two alone, at a third of the cost
        return [f"lower(array_to_string(map_{part}({name}), ' '))" for part in ("keys", "values")]
    return []


def _in_any_case(words: Iterable[str]) -> list[str]:
    """Leave out the words that differ from another only in the case of ASCII letters."""
    return sorted({word.lower() if word.isascii() else word: word for word in words}.values())


def _in(values: Iterable[str]) -> str:
    return f"({', '.join(map(sql_text, sorted(values))) or 'null'})"
