"""The saved questions: Athena's dialect, the same rows from both engines, and from plain Python."""

from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from clicklake.cli.time_spans import compared_span
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake, find_lake
from clicklake.lake.columns import SpanSources
from clicklake.lake.partitions import HOUR, Span, hours_between
from clicklake.query import athena_engine, duckdb_engine
from clicklake.query.athena_sql import to_athena
from clicklake.query.queries import FOLDER, NAMES, QueryResults, parse_query, saved_query
from clicklake.report.command import write_report
from clicklake.report.page import ReportSpan
from clicklake.tables.schema import line_table
from tests.cloudformation.account import Account
from tests.support.day import SPAN, Day, lay_day
from tests.support.emulator import Emulator
from tests.support.lakes import TestLake
from tests.support.paths import ROOT
from tests.support.plain_answers import answers

QUESTIONS = {name: saved_query(name) for name in NAMES}
ALL_LINES = SpanSources({}, {hour: [] for hour in hours_between(SPAN.since, SPAN.until)}, {}, {})


@pytest.fixture(scope="module")
def stack(
    emulator: Emulator, aws_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lake]:
    """The lake of a stack, deployed from the template beside a processor that does nothing."""
    checkout = tmp_path_factory.mktemp("checkout")
    for folder in ("cloudformation", "build/processor/processor", "build/keeper/clicklake/keeper"):
        (checkout / folder).mkdir(parents=True)
    template = checkout / "cloudformation/lake.yaml"
    template.write_text((ROOT / "cloudformation/lake.yaml").read_text())
    for handler in ("processor/processor", "keeper/clicklake/keeper"):
        (checkout / "build" / handler / "handler.py").touch()
    account = Account(emulator.gateway)
    account.package(template, checkout / "packaged.yaml")
    account.deploy(checkout / "packaged.yaml", "clicklake-lake-dev")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws_env.items():
            patch.setenv(name, value)
        yield find_lake("dev", None)


@pytest.fixture(scope="module")
def day(stack: Lake) -> Day:
    return lay_day(TestLake(stack.bucket, stack.s3), sessions=150)


@pytest.fixture(scope="module")
def by_duckdb(stack: Lake, day: Day) -> QueryResults:
    return duckdb_engine.run_queries(stack, SPAN, QUESTIONS)


@pytest.fixture(scope="module")
def by_athena(stack: Lake, day: Day) -> QueryResults:
    return athena_engine.run_queries(stack, SPAN, QUESTIONS)


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_is_the_one_that_plain_python_finds(
    day: Day, by_duckdb: QueryResults, name: str
) -> None:
    assert by_duckdb.by_name[name].rows == answers(day.lines)[name]
    assert by_duckdb.by_name[name].rows


@pytest.mark.parametrize("name", NAMES)
def test_athena_gives_the_rows_that_duckdb_gives(
    by_duckdb: QueryResults, by_athena: QueryResults, name: str
) -> None:
    assert by_athena.by_name[name] == by_duckdb.by_name[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_query_says_what_it_asks_and_answers_on_one_page(name: str) -> None:
    text = (FOLDER / f"{name}.sql").read_text()
    assert text.startswith("-- ")
    assert "?" in text.splitlines()[0]
    question = sqlglot.parse_one(text, dialect="athena")
    is_bounded = question.args.get("limit") or name in (
        "totals",
        "hours",
        "days",
        "months",
        "lag",
        "skew",
        "late",
    )
    assert is_bounded


def test_athena_says_what_it_read_and_what_that_costs(by_athena: QueryResults) -> None:
    (note,) = by_athena.notes
    assert note.startswith("Athena read 0.0")
    assert f"${(len(QUESTIONS) - 1) * 5e-5:.4f}" in note  # the least that is billed for each


def test_both_engines_answer_ones_own_question_of_part_of_the_day(stack: Lake, day: Day) -> None:
    asked = {
        "own": parse_query(
            "with seen as (select * from lines where bot is null) select dt, hr, count(*) as lines,"
            " approx_distinct(itemid) as items, max(title) as title"
            " from seen group by 1, 2 order by 1, 2"
        )
    }
    part = Span(SPAN.since + 12 * HOUR, SPAN.since + 14 * HOUR + timedelta(minutes=40))
    found = duckdb_engine.run_queries(stack, part, asked).by_name["own"]
    until = part.until.isoformat()[:19]
    lines = [
        line for line in day.lines if line["receivedAt"][10:] >= "T12" and line["receivedAt"][:19] < until
    ]
    people = [line for line in lines if "bot" not in line]
    assert [row[1] for row in found.rows] == sorted({int(line["receivedAt"][11:13]) for line in people})
    assert sum(row[2] for row in found.rows) == len(people)
    # The emulator's DuckDB knows no approx_distinct, as it knows few of Trino's functions.
    asked["own"] = parse_query(
        asked["own"].sql("athena").replace("APPROX_DISTINCT(itemid)", "COUNT(DISTINCT itemid)")
    )
    assert (
        athena_engine.run_queries(stack, part, asked).by_name["own"]
        == duckdb_engine.run_queries(stack, part, asked).by_name["own"]
    )


def test_what_athena_is_asked_names_the_partitions_and_reads_no_column_that_glue_lacks(stack: Lake) -> None:
    table = line_table(stack)
    table = table._replace(glue_columns=table.glue_columns - {"name"})
    sql = to_athena(saved_query("items"), table, "columns", SPAN, ALL_LINES)
    lines = parse_query(sql).ctes[0].this
    assert "(dt = '2026-11-19' AND hr BETWEEN 0 AND 23)" in lines.sql()
    assert "CAST(NULL AS VARCHAR) AS name" in lines.sql()
    assert lines.find(exp.Table).sql() == '"clicklake_dev"."lines"'


def test_athena_finds_the_item_lookup_in_a_table_that_0_1_0_made(stack: Lake) -> None:
    table = line_table(stack)
    old = table._replace(glue_columns=table.glue_columns - {"itemlookup"})
    lines = parse_query(to_athena(saved_query("enrichment"), old, "columns", SPAN, ALL_LINES))
    expressions = {each.alias_or_name: each.sql("athena") for each in lines.ctes[0].this.expressions}
    assert expressions["itemlookup"] == (
        "COALESCE(CAST(NULL AS VARCHAR), CASE enrichment WHEN 'ok' THEN 'found'"
        " WHEN 'unknown item' THEN 'not_found' ELSE enrichment END) AS itemlookup"
    )


def test_without_a_stack_the_settings_tell_what_glue_would(stack: Lake) -> None:
    told, assumed = line_table(stack).columns, line_table(Lake(stack.bucket, {}, stack.s3)).columns
    assert {name: column.field for name, column in assumed.items()} == {
        name: column.field for name, column in told.items() if not name.startswith("unused")
    }


def test_the_report_is_the_same_by_either_engine_but_for_the_cost(
    stack: Lake, day: Day, tmp_path: Path
) -> None:
    pages = []
    for ask in (duckdb_engine.run_queries, athena_engine.run_queries):
        about = ReportSpan(SPAN, UTC, compared_span(SPAN, UTC, "previous"), "previous")
        write_report(ask, stack, about, tmp_path / "report.html")
        html = (tmp_path / "report.html").read_text()
        pages.append([text for text in html.splitlines() if "Made on" not in text and "warning" not in text])
    assert pages[0] == pages[1]
    assert html.count("Athena read") == 2  # for the span, and for the one before


def test_athena_needs_a_stack(stack: Lake) -> None:
    with pytest.raises(CommandError, match="--stage"):
        athena_engine.run_queries(Lake(stack.bucket, {}, stack.s3), SPAN, QUESTIONS)
