"""What a test looks at in columns/."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest

from clicklake.lake.bucket import Lake
from clicklake.lake.columns import columns_key
from tests.support.lakes import TestLake


def parquet_rows(lake: TestLake, hour: datetime, **version: Any) -> list[dict[str, Any]]:
    """The rows of the hour's object, in its order."""
    body = lake.s3.get_object(Bucket=lake.bucket, Key=columns_key(hour), **version)["Body"].read()
    return rows_of(body)


def rows_of(body: bytes) -> list[dict[str, Any]]:
    with TemporaryDirectory() as folder, duckdb.connect() as db:
        file = Path(folder, "x.parquet")
        file.write_bytes(body)
        read = "read_parquet($file, file_row_number = true) order by file_row_number"
        cursor = db.execute(f"select * exclude (file_row_number) from {read}", {"file": str(file)})
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@contextmanager
def count_bodies_read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Note the keys of the objects whose bodies are read meanwhile."""
    read: list[str] = []
    original = Lake.read_raw

    def read_and_note(lake: Lake, key: str, *arguments: Any, **options: Any) -> Iterator[bytes]:
        read.append(key)
        return original(lake, key, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "read_raw", read_and_note)
        yield read
