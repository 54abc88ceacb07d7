"""One person's rows, taken out of Athena's results."""

import csv
import re
from collections.abc import Iterable, Iterator, Set

from clicklake.erase.redactor import split_lines

_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PACKED = (b"PAR1", b"ORC", b"Obj\x01")  # Parquet, ORC, Avro: what they hold cannot be searched for


def is_csv(key: str) -> bool:
    """What a query answers. Beside it lie .metadata, and the files of CREATE TABLE AS and UNLOAD."""
    return key.endswith(".csv")


class RowEraser:
    """A row is the person's if a value of it is one of `ids`, or if it names one of their events."""

    def __init__(self, ids: Set[str], event_ids: Set[str]) -> None:
        self._ids = ids
        self._id_bytes = [each.encode(errors="surrogatepass") for each in ids]
        self._event_ids = {each.encode(errors="surrogatepass") for each in event_ids}

    def from_row(self, row: bytes) -> bytes:
        """The row, or nothing."""
        return b"" if self._names_an_event(row) or self._has_an_id(row) else row

    def is_in(self, blocks: Iterable[bytes]) -> bool:
        """Whether a file of any other form may hold the person."""
        return any(
            block.startswith(_PACKED)
            or self._names_an_event(block)
            or any(each in block for each in self._id_bytes)
            for block in blocks
        )

    def _names_an_event(self, data: bytes) -> bool:
        return not self._event_ids.isdisjoint(_UUID.findall(data))

    def _has_an_id(self, row: bytes) -> bool:
        try:
            values = next(csv.reader([row.rstrip(b"\n").decode(errors="surrogateescape")]), [])
        except csv.Error:  # a value beyond the module's limit
            return any(each in row for each in self._id_bytes)
        return not self._ids.isdisjoint(values)


def rows(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """A row ends with a newline outside quotation marks, of which there are then as many as not."""
    begun = b""
    for block in blocks:
        for line in split_lines(block):
            begun += line
            if begun.count(b'"') % 2 == 0:
                yield begun
                begun = b""
    if begun:
        yield begun
