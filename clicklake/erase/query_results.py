"""Remove one person's rows from Athena's query results."""

import csv
import re
from collections.abc import Iterable, Iterator, Set

from clicklake.erase.redactor import split_lines

_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BINARY_FORMATS = (b"PAR1", b"ORC", b"Obj\x01")  # Parquet, ORC, Avro: compressed, so not searchable


def is_csv(key: str) -> bool:
    """Return whether this is a query's result: not its .metadata, nor a file of CREATE TABLE AS or UNLOAD."""
    return key.endswith(".csv")


class RowRedactor:
    """Finds rows that hold one of `ids` as a value, or that name one of the person's events."""

    def __init__(self, ids: Set[str], event_ids: Set[str]) -> None:
        self._ids = ids
        self._id_bytes = [each.encode(errors="surrogatepass") for each in ids]
        self._event_ids = {each.encode(errors="surrogatepass") for each in event_ids}

    def redact_row(self, row: bytes) -> bytes:
        """Return the row, or nothing if it is the person's."""
        return b"" if self._names_an_event(row) or self._has_an_id(row) else row

    def may_mention(self, blocks: Iterable[bytes]) -> bool:
        """Return whether a file that is not CSV may hold the person."""
        return any(
            block.startswith(_BINARY_FORMATS)
            or self._names_an_event(block)
            or any(each in block for each in self._id_bytes)
            for block in blocks
        )

    def _names_an_event(self, data: bytes) -> bool:
        return not self._event_ids.isdisjoint(_UUID.findall(data))

    def _has_an_id(self, row: bytes) -> bool:
        try:
            values = next(csv.reader([row.rstrip(b"\n").decode(errors="surrogateescape")]), [])
        except csv.Error:  # a value longer than the module's limit
            return any(each in row for each in self._id_bytes)
        return not self._ids.isdisjoint(values)


def split_rows(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Split into CSV rows: a newline ends a row only if the number of quotes so far is even."""
    row = b""
    for block in blocks:
        for line in split_lines(block):
            row += line
            if row.count(b'"') % 2 == 0:
                yield row
                row = b""
    if row:
        yield row
