"""A lake that version 0.1.0 wrote gives today's queries the answers that it gave those of 0.1.0."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.lakes import Commands, TestLake

pytestmark = pytest.mark.emulator

FROZEN = Path("tests/data/0.1.0")
ANSWERS: dict[str, str] = json.loads((FROZEN / "answers.json").read_text())
RENAMED = {"enrichment,": "itemlookup,", "\nok,": "\nfound,", "\nunknown item,": "\nnot_found,"}


def put_lake(lake: TestLake) -> None:
    for file in filter(Path.is_file, (FROZEN / "lake").rglob("*")):
        key = str(file.relative_to(FROZEN / "lake"))
        encoding: Any = {"ContentEncoding": "gzip"} if file.suffix == ".gz" else {}
        lake.s3.put_object(Bucket=lake.bucket, Key=key, Body=file.read_bytes(), **encoding)


def test_every_saved_query_has_the_answer_of_0_1_0(clicklake: Commands, lake: TestLake) -> None:
    put_lake(lake)
    expected = dict(ANSWERS)
    for old, new in RENAMED.items():
        assert old in expected["enrichment"]
        expected["enrichment"] = expected["enrichment"].replace(old, new)
    days = ("--from", "2026-11-28", "--to", "2026-11-28")
    for name, answer in expected.items():
        rows = csv.DictReader(answer.splitlines())
        columns = rows.fieldnames or []
        today = csv.DictReader(clicklake("query", name, *days, "--csv").stdout.splitlines())
        assert [{column: row[column] for column in columns} for row in today] == [*rows], name
