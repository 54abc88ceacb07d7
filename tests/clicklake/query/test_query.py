"""`query`: a saved question or one's own, as a table or as CSV, and nothing of a click that runs."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.console import Console

from clicklake.query.output import print_result
from clicklake.query.queries import NAMES, QueryResult
from clicklake.tables import database
from tests.support.lakes import NOON, Commands, TestLake, line, new_id
from tests.support.paths import ROOT

DAY = ("--from", f"{NOON:%Y-%m-%d}", "--to", f"{NOON:%Y-%m-%d}")


def test_a_saved_query_is_asked_by_its_name(clicklake: Commands, lake: TestLake) -> None:
    lake.put("clicks", [line(new_id(), species="Chimera"), line(new_id(), species="Yeti", bot="crawler")])
    shown = clicklake("query", "species", *DAY).stdout
    assert "Chimera" in shown
    assert "Yeti" not in shown


def test_tables_hold_lines_events_and_people(clicklake: Commands, lake: TestLake) -> None:
    twice = new_id()
    lake.put("clicks", [line(twice), line(twice), line(new_id()), line(new_id(), bot="curl")])
    for table, count in (("lines", 4), ("events", 3), ("human_events", 2), ("failed", 0)):
        shown = clicklake("query", f"select count(*) as n from {table}", *DAY, "--csv").stdout
        assert shown.split() == ["n", str(count)]


def test_of_two_lines_with_one_id_the_one_processed_last_counts(clicklake: Commands, lake: TestLake) -> None:
    event_id = new_id()
    lake.put("clicks", [line(event_id, itemLookup="found", processedAt="2026-11-24T00:00:02.000Z")])
    lake.put("clicks", [line(event_id, itemLookup="unavailable", processedAt="2026-11-24T00:00:01.000Z")])
    lake.put("clicks", [line(event_id, itemLookup="not_found", processedAt="2026-11-23T00:00:03.000Z")])
    assert clicklake("query", "select itemlookup from events", *DAY, "--csv").stdout.split() == [
        "itemlookup",
        "found",
    ]


def test_lines_of_0_1_0_have_the_item_lookup_of_todays_lines(clicklake: Commands, lake: TestLake) -> None:
    folder = ROOT / "tests/data/lines"
    for name in ("v1-full", "v1-least"):
        lake.put("clicks", [(folder / f"{name}.jsonl").read_bytes()])
        lake.put("clicks", [(folder / f"{name}.itemlookup.jsonl").read_bytes()])
    lake.put("clicks", [line("unknown", itemLookup=None, enrichment="unknown item")])
    sql = "select eventid, itemlookup, count(*) as lines from lines group by 1, 2 order by 1"
    rows = list(csv.reader(io.StringIO(clicklake("query", sql, *DAY, "--csv").stdout)))[1:]
    assert [row[1:] for row in rows] == [["found", "2"], ["none", "2"], ["found", "2"], ["not_found", "1"]]


def test_athenas_dialect_is_spoken_and_every_field_can_be_asked(clicklake: Commands, lake: TestLake) -> None:
    fields: dict[str, Any] = {
        "properties": {"Price": "3", "price": "4"},
        "element": {"text": "Buy"},
        "skewMs": -20,
    }
    lake.put("clicks", [line(new_id(), **fields)])
    sql = (
        "select itemid, element_at(properties, 'Price') as price, element_at(element, 'text') as text,"
        " skewms, dt, hr, date_format(from_iso8601_timestamp(receivedat), '%Y') as year,"
        " approx_distinct(eventid) as events, name"
        " from lines group by 1, 2, 3, 4, 5, 6, 7, 9"
    )
    (row,) = csv.DictReader(io.StringIO(clicklake("query", sql, *DAY, "--csv").stdout))
    assert (row["price"], row["text"], row["skewms"], row["name"]) == ("3", "Buy", "-20", "")
    assert (row["dt"], row["hr"], row["year"], row["events"]) == (f"{NOON:%Y-%m-%d}", "12", f"{NOON:%Y}", "1")


def test_no_text_of_a_click_runs_in_a_spreadsheet_or_moves_the_cursor(
    clicklake: Commands, lake: TestLake
) -> None:
    hostile = ["=cmd()", "+1", "-1", "@x", "\x1b[31mred", "a\nb", "\u202etxt.exe", 'quote"and,comma']
    lake.put("clicks", [line(new_id(), title=text) for text in hostile])
    cells = list(
        csv.reader(io.StringIO(clicklake("query", "select title from lines", *DAY, "--csv").stdout))
    )[1:]
    expected = {
        "'=cmd()",
        "'+1",
        "'-1",
        "'@x",
        r"\x1b[31mred",
        r"a\x0ab",
        r"\u202etxt.exe",
        'quote"and,comma',
    }
    assert {cell for (cell,) in cells} == expected
    shown = clicklake("query", "select title from lines", *DAY).stdout
    assert not {"\x1b", "\u202e"} & set(shown)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select nope from lines", "there is no column nope"),
        ("select visitorld from lines", "did you mean visitorid"),
        ("select 1 from nope", "there is no table nope; the tables are lines, events"),
        ("itms", "there is no saved query itms; did you mean items?"),
        ("xyz", "the saved queries are alignment, bots"),
        ("select format_datetime(now(), 'y')", "the function format_datetime is not supported here"),
        ("select * from read_csv('/etc/passwd')", "read_csv"),
        ("select * from '/etc/passwd'", "no table"),
        ("select 1/0", "Division by zero"),
        ("select " + "(" * 3000 + "1" + ")" * 3000, "nested too deeply"),
        ("select (", "invalid SQL"),
        ("delete from lines", "pass one query: a select"),
        ("select 1; select 2", "pass one query: a select"),
        ("", "pass one query: a select"),
    ],
)
def test_what_cannot_be_asked_is_told_in_a_sentence(clicklake: Commands, sql: str, said: str) -> None:
    assert said in clicklake("query", sql, code=2).output


def test_too_little_memory_is_no_objects_fault(
    clicklake: Commands, lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put("clicks", [line(new_id())])
    monkeypatch.setattr(database, "MEMORY_LIMIT", "10MB")
    said = clicklake("query", "select count(*) from lines", *DAY, code=2).output
    assert "too much for DuckDB here; choose fewer days" in said
    assert "raise CLICKLAKE_DUCKDB_MEMORY (Out of Memory Error: " in said


@pytest.mark.parametrize(
    ("file", "says"),
    [("/etc/passwd", "no"), ("s3://bucket/key.parquet", "no"), ("https://a.example/b.csv", "no")],
)
def test_no_other_file_of_this_machine_or_of_another_can_be_read(
    clicklake: Commands, file: str, says: str
) -> None:
    for sql in (f"select * from '{file}'", f"select * from read_text('{file}')", f'select * from "{file}"'):
        assert says in clicklake("query", sql, code=2).output


def test_every_format_has_every_row(clicklake: Commands, lake: TestLake, tmp_path: Path) -> None:
    title = 'a "quoted", <b>long</b> title ' * 20
    lake.put("clicks", [line("1", title=title, skewMs=-5), line("2", itemLookup=None)])
    sql = "select eventid, title, skewms, skewms > 0 as ahead from lines order by 1"
    rows = clicklake.json("query", sql, *DAY)
    assert rows == [
        {"eventid": "1", "title": title, "skewms": -5, "ahead": False},
        {"eventid": "2", "title": None, "skewms": None, "ahead": None},
    ]
    assert title in clicklake("query", sql, *DAY).stdout  # a pipe has any width
    vertical = clicklake("query", sql, *DAY, "--format", "vertical").stdout
    assert re.search(r"^title\s+a \"quoted\"", vertical, re.MULTILINE)
    assert (
        clicklake("query", sql, *DAY, "--csv").stdout
        == clicklake("query", sql, *DAY, "--format", "csv").stdout
    )
    file = tmp_path / "rows.parquet"
    file.write_bytes(clicklake("query", sql, *DAY, "--format", "parquet").stdout_bytes)
    read = duckdb.sql(f"select * from '{file}'")
    assert read.fetchall() == [("1", title, -5, False), ("2", None, None, None)]
    assert [str(kind) for kind in read.types] == ["VARCHAR", "VARCHAR", "BIGINT", "BOOLEAN"]
    assert len(clicklake.json("query", sql, *DAY, "--limit", "1")) == 1
    assert "choose one of" in clicklake("query", sql, "--csv", "--json", code=2).output


def test_a_row_that_does_not_fit_a_terminal_is_shown_field_by_field(
    capsys: pytest.CaptureFixture[str],
) -> None:
    narrow, wide = (
        QueryResult(("a", "b"), [(1, "x")]),
        QueryResult(tuple("abc"), [("x" * 60, "y" * 60, None)]),
    )
    for result, is_vertical in ((narrow, False), (wide, True)):
        console = Console(force_terminal=True, width=80, color_system=None)
        print_result(result, None, console)
        assert ("─ 1 ──" in capsys.readouterr().out) == is_vertical


def test_athena_is_not_asked_of_a_bucket(clicklake: Commands) -> None:
    assert "--stage" in clicklake("query", "items", "--engine", "athena", code=2).output


def test_the_docs_name_every_saved_query_and_every_table() -> None:
    told = (ROOT / "docs" / "report.md").read_text()
    saved = told[told.index("**Saved queries**") :]
    assert not [name for name in NAMES if not re.search(rf"\b{name}\b", saved)]
    for table in ("human_events", "events", "lines", "failed"):
        assert f"| `{table}` |" in told


@pytest.mark.emulator
def test_folder_for_temporary_files_that_duckdb_cannot_use_is_named(
    clicklake: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "what?").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "what?"))
    printed = clicklake("query", "select 1 as one", code=2).stderr
    assert printed.startswith("clicklake: DuckDB cannot use the folder for temporary files")
    assert printed.count("\n") == 1
