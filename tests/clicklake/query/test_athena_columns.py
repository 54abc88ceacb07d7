"""Athena reads hours from columns/, from clicks/, or from both, with the rows that DuckDB gets of lines."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.stub import Stubber

from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.columns import sources_of
from clicklake.lake.partitions import HOUR, Span, hours_between
from clicklake.query import athena_engine, duckdb_engine
from clicklake.query.athena_sql import hours_sql, to_athena
from clicklake.query.queries import NAMES, QueryResults, parse_query, saved_query
from clicklake.tables.schema import line_table
from tests.clicklake.query.hostile_lines import put_hostile_lines
from tests.support.compacted import compact_span, drop_columns
from tests.support.day import SPAN, lay_day
from tests.support.emulator import KEYS, Emulator
from tests.support.lakes import TestLake
from tests.support.stacks import lake_of_a_stack

pytestmark = pytest.mark.timeout(600)

QUESTIONS = {name: saved_query(name) for name in NAMES}
AROUND = Span(SPAN.since - timedelta(days=2), SPAN.until + timedelta(days=1))
PART = Span(SPAN.since + 2 * HOUR, SPAN.since + 15 * HOUR + timedelta(minutes=40))
STATES = ("columns", "mixture", "lines")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A stack in an emulator of its own, with functions that do nothing, and a lake of hostile lines."""
    emulator = Emulator(tmp_path_factory.mktemp("emulator")).start()
    with lake_of_a_stack(emulator, tmp_path_factory.mktemp("checkout")) as lake:
        stored = TestLake(lake.bucket, lake.s3)
        lay_day(stored, sessions=40)
        put_hostile_lines(stored)
        yield lake
    emulator.stop()


@pytest.fixture(scope="module")
def from_lines(stack: Lake) -> dict[Span, QueryResults]:
    return {span: duckdb_engine.run_queries(stack, span, QUESTIONS, lines_only=True) for span in (SPAN, PART)}


@pytest.fixture(scope="module")
def by_athena(stack: Lake, from_lines: dict[Span, QueryResults]) -> dict[tuple[str, Span], QueryResults]:
    results = {}
    assert compact_span(stack, AROUND).written
    for state in STATES:
        if state == "mixture":
            assert drop_columns(stack, AROUND, every=3) > 8
        for span in (SPAN, PART):
            is_lines = state == "lines"
            results[state, span] = athena_engine.run_queries(stack, span, QUESTIONS, lines_only=is_lines)
    return results


@pytest.mark.emulator
@pytest.mark.parametrize("span", [SPAN, PART], ids=["day", "part"])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", NAMES)
def test_rows_are_the_same_wherever_an_hour_is_read_from(
    from_lines: dict[Span, QueryResults],
    by_athena: dict[tuple[str, Span], QueryResults],
    name: str,
    state: str,
    span: Span,
) -> None:
    assert by_athena[state, span].by_name[name] == from_lines[span].by_name[name]


@pytest.mark.emulator
def test_the_mixture_reads_both_tables_each_for_its_own_hours(
    stack: Lake, by_athena: dict[tuple[str, Span], QueryResults]
) -> None:
    sources = sources_of(stack, SPAN, datetime.now(UTC))
    sql = to_athena(saved_query("totals"), line_table(stack), '"clicklake_dev"."columns"', SPAN, sources)
    ctes = {cte.alias: cte.this.sql("athena") for cte in parse_query(sql).ctes}
    assert sources.lines
    assert sources.columns
    assert '"clicklake_dev"."lines"' in ctes["stored_lines"]
    assert '"clicklake_dev"."columns"' in ctes["stored_events"]
    assert len(sql) < 20_000


@pytest.mark.emulator
def test_a_query_of_every_line_reads_clicks_alone(
    stack: Lake, by_athena: dict[tuple[str, Span], QueryResults]
) -> None:
    query = {"all": parse_query("select hr, count(*) as lines from lines group by hr order by hr")}
    athena, duckdb = (
        engine.run_queries(stack, SPAN, query).by_name["all"] for engine in (athena_engine, duckdb_engine)
    )
    assert athena.rows == duckdb.rows
    assert sum(row[1] for row in athena.rows) > 400


# --- the hours as conditions ---

MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)


def at(*hours: int) -> list[datetime]:
    return [MIDNIGHT + hour * HOUR for hour in hours]


@pytest.mark.parametrize(
    ("hours", "others", "condition"),
    [
        ([], [], "false"),
        ([5], [], "(dt = '2026-11-24' and hr between 5 and 5)"),
        ([5, 6, 7], [], "(dt = '2026-11-24' and hr between 5 and 7)"),
        ([7, 5], [], "(dt = '2026-11-24' and hr between 5 and 7)"),  # 6 has no object anywhere
        (
            [5, 7],
            [6],
            "dt between '2026-11-24' and '2026-11-24' and ((dt = '2026-11-24' and hr between 5 and 5)"
            " or (dt = '2026-11-24' and hr between 7 and 7))",
        ),
        (
            [23, 24, 50],
            [],
            "(dt between '2026-11-24' and '2026-11-26' and (dt > '2026-11-24' or hr >= 23)"
            " and (dt < '2026-11-26' or hr <= 2))",
        ),
    ],
)
def test_hours_become_few_ranges(hours: list[int], others: list[int], condition: str) -> None:
    assert hours_sql(at(*hours), at(*others)) == condition


def test_two_years_of_hours_are_one_range() -> None:
    hours = [*hours_between(MIDNIGHT, MIDNIGHT + timedelta(days=730))]
    nights = [hour for hour in hours if hour.hour > 4]  # nobody clicks at night
    assert hours_sql(nights).count("hr >=") == 1


def test_a_half_compacted_lake_needs_a_range_for_each_part() -> None:
    hours = [*hours_between(MIDNIGHT, MIDNIGHT + timedelta(days=365))]
    old, new = hours[:7000], hours[7000:]
    for part, other in ((old, new), (new, old)):
        assert hours_sql(part, other).count("dt between") == 1


def test_query_that_takes_too_long_is_stopped() -> None:
    athena = boto3.client("athena", **KEYS)
    running = {"QueryExecution": {"QueryExecutionId": "q-1", "Status": {"State": "RUNNING"}}}
    with Stubber(athena) as stub:
        stub.add_response("get_query_execution", running, {"QueryExecutionId": "q-1"})
        stub.add_response("stop_query_execution", {}, {"QueryExecutionId": "q-1"})
        with pytest.raises(CommandError, match="stopped after 0 seconds"):
            athena_engine._result(athena, "q-1", 0)
        stub.assert_no_pending_responses()
