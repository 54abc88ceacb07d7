"""The dashboard over Athena: the same figures as with DuckDB, and requests that never wait for long."""

import csv
import io
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from clicklake.dashboard.answers import athena_answers as athena_module
from clicklake.dashboard.answers.athena_answers import ENDED_SECONDS, LIVE_SECONDS, AthenaAnswers
from clicklake.dashboard.answers.budget import MAX_RUNNING
from clicklake.dashboard.answers.contract import NotReadyError, OverBudgetError, Question
from clicklake.dashboard.answers.duckdb_answers import DuckdbAnswers
from clicklake.dashboard.app import create_app
from clicklake.dashboard.panels import cards_of
from clicklake.dashboard.shared_state import SharedState
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import HOUR, Span
from clicklake.query.athena_results import MIN_BILLED_BYTES
from clicklake.query.queries import parse_query, saved_query
from tests.clicklake.dashboard.conftest import ATTRIBUTES, NOW
from tests.support.compacted import compact_span
from tests.support.day import SPAN, lay_day
from tests.support.emulator import Emulator
from tests.support.lakes import TestLake
from tests.support.paths import ROOT
from tests.support.stacks import lake_of_a_stack

pytestmark = [pytest.mark.emulator, pytest.mark.timeout(600)]

PANELS = [panel.query for card in cards_of(ATTRIBUTES) for panel in card.panels]
DAY = "from=2026-11-19&to=2026-11-19"
VIEWS = [
    "",
    "zone=Europe/Berlin&is=country:DE&is=country:FR&not=device:desktop",
    "zone=America/St_Johns&not=country:US&is=channel:search&step=page:/&step=type:adopted",
    "zone=Asia/Kolkata&is=page:' or 1=1 --",
]
LIMIT = 10**12
EVENTS = parse_query("select count(*) as events from events")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A stack with a day of visits, half of it in columns/."""
    emulator = Emulator(tmp_path_factory.mktemp("emulator")).start()
    with lake_of_a_stack(emulator, tmp_path_factory.mktemp("stack")) as lake:
        lay_day(TestLake(lake.bucket, lake.s3), sessions=40)
        compact_span(lake, Span(SPAN.since, SPAN.since + 12 * HOUR))
        yield lake
    emulator.stop()


class Clock:
    """A clock that a test moves."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


OpenAthena = Callable[..., AthenaAnswers]


@pytest.fixture
def fresh(stack: Lake) -> Iterator[OpenAthena]:
    """Return instances that share the lake's state, which is empty at first."""
    forget(stack)

    def start(clock: Clock | None = None, daily_bytes: int = LIMIT, patience: float = 60) -> AthenaAnswers:
        return AthenaAnswers(stack, clock or Clock(), daily_bytes=daily_bytes, patience_seconds=patience)

    yield start
    forget(stack)


def forget(lake: Lake) -> None:
    """Delete what the dashboards of the lake remember."""
    keys = [found.key for found in lake.objects("dashboard/")]
    if keys:
        lake.delete(keys)


def client_of(answers: Any) -> FlaskClient:
    return create_app(answers, lambda _: None, "--stage dev").test_client()


def rows(client: FlaskClient, panel: str, query: str) -> list[list[str]]:
    answer = client.get(f"/panel/{panel}.csv?{DAY}&{query}")
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.text)))


@pytest.fixture(scope="module")
def by_duckdb(stack: Lake) -> Iterator[FlaskClient]:
    answers = DuckdbAnswers(stack, ATTRIBUTES, lambda: NOW)
    yield client_of(answers)
    answers.close()


@pytest.fixture(scope="module")
def by_athena(stack: Lake) -> FlaskClient:
    forget(stack)
    return client_of(AthenaAnswers(stack, Clock(), daily_bytes=LIMIT, patience_seconds=60))


@pytest.mark.parametrize("query", VIEWS)
def test_every_figure_is_the_same_by_duckdb_and_by_athena(
    query: str, by_duckdb: FlaskClient, by_athena: FlaskClient
) -> None:
    panels = [*PANELS, "figures", "timeline", *(["funnel"] if "step" in query else [])]
    with ThreadPoolExecutor(4) as threads:
        found = [*threads.map(lambda panel: rows(by_athena, panel, query), panels)]
    for panel, athena in zip(panels, found, strict=True):
        assert athena == rows(by_duckdb, panel, query), panel
    for panel in ("figures", "timeline", "items"):
        shown, expected = (client.get(f"/panel/{panel}?{DAY}&{query}") for client in (by_athena, by_duckdb))
        assert (shown.status_code, shown.text) == (200, expected.text), panel


def test_failed_records_are_counted_without_an_engine(by_duckdb: FlaskClient, by_athena: FlaskClient) -> None:
    found = rows(by_athena, "failures", "")
    assert found == rows(by_duckdb, "failures", "")
    assert len(found) == 3


def test_the_answers_of_athena_need_no_duckdb() -> None:
    """In a clean interpreter, in which an import of DuckDB would fail."""
    code = (
        "import sys; sys.modules['duckdb'] = None\n"
        "import clicklake.dashboard.answers.athena_answers, clicklake.dashboard.app\n"
        "assert not [name for name in sys.modules if name.startswith(('rich', 'waitress'))]"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# --- a request does not wait ---


def until_answered(client: FlaskClient, path: str) -> tuple[TestResponse, int]:
    """Ask again as the page does. Return the answer, and how often it was not ready."""
    waited = 0
    deadline = time.monotonic() + 60
    while (answer := client.get(path)).status_code == 202:
        assert int(answer.headers["Retry-After"]) >= 1
        assert "still reading" in answer.text
        waited += 1
        assert time.monotonic() < deadline
    return answer, waited


def test_a_panel_answers_202_until_athena_is_done(fresh: OpenAthena) -> None:
    client = client_of(fresh(patience=0))
    answer, waited = until_answered(client, f"/panel/countries?{DAY}")
    assert answer.status_code == 200
    assert "United States" in answer.text
    assert waited >= 1


def test_all_questions_of_a_panel_start_at_once(fresh: OpenAthena, stack: Lake) -> None:
    answers = fresh(patience=0)
    questions = [Question(SPAN, UTC, saved_query(name)) for name in ("totals", "hours", "types")]
    with pytest.raises(NotReadyError):
        answers.ask_all(questions)
    assert len(list(stack.objects("dashboard/queries/"))) == 3


def test_the_page_shows_an_items_id_until_its_name_is_known(fresh: OpenAthena) -> None:
    item = rows(client_of(fresh()), "items", "")[1]
    client = client_of(fresh(patience=0))
    page = client.get(f"/?{DAY}&is=item:{item[0]}")
    assert page.status_code == 200
    assert 'data-panel="filters"' in page.text
    assert item[0] in page.text
    named, _ = until_answered(client, f"/panel/filters?{DAY}&is=item:{item[0]}")
    assert f"<bdi>{item[1] or item[0]}</bdi>" in named.text
    assert 'data-panel="filters"' not in client.get(f"/?{DAY}").text


# --- instances find each other's queries ---


def executions(lake: Lake) -> int:
    group = lake.outputs["AthenaWorkGroupName"]
    pages = lake.client("athena").get_paginator("list_query_executions").paginate(WorkGroup=group)
    return sum(len(page["QueryExecutionIds"]) for page in pages)


def test_any_instance_finds_the_query_that_answers_a_question(fresh: OpenAthena, stack: Lake) -> None:
    before = executions(stack)
    with pytest.raises(NotReadyError):
        fresh(patience=0).ask(SPAN, UTC, EVENTS)
    found = [fresh().ask(SPAN, UTC, EVENTS) for _ in range(3)]
    assert found[0].rows[0][0] > 100
    assert executions(stack) == before + 1


def test_a_time_that_goes_on_is_asked_again_in_the_next_slot(fresh: OpenAthena, stack: Lake) -> None:
    clock = Clock()
    answers = fresh(clock)
    live = Span(SPAN.since, NOW + HOUR)
    before = executions(stack)
    for _ in range(3):
        answers.ask(live, UTC, EVENTS)
        answers.ask(SPAN, UTC, EVENTS)
    assert executions(stack) == before + 2
    clock.at += timedelta(seconds=LIVE_SECONDS)
    answers.ask(live, UTC, EVENTS)
    answers.ask(SPAN, UTC, EVENTS)
    assert executions(stack) == before + 3
    clock.at += timedelta(seconds=ENDED_SECONDS)
    answers.ask(SPAN, UTC, EVENTS)
    assert executions(stack) == before + 4


def test_views_count_from_the_beginning_of_the_slot(fresh: OpenAthena) -> None:
    clock = Clock(NOW + timedelta(seconds=299))
    answers = fresh(clock)
    first = answers.now(), answers.newest()
    clock.at += timedelta(seconds=1)
    assert (answers.now(), answers.newest()) > first
    assert answers.clock() - answers.now() < timedelta(seconds=LIVE_SECONDS)


def test_a_question_that_athena_refuses_is_a_panel_with_a_reason(fresh: OpenAthena) -> None:
    clock = Clock(datetime.now(UTC))
    answers = fresh(clock)
    wrong = parse_query("select no_such_column from events")
    for _ in range(2):
        with pytest.raises(CommandError, match="Athena: "):
            answers.ask(SPAN, UTC, wrong)
    assert len(list(answers.lake.objects("dashboard/queries/"))) == 1


def test_a_query_that_failed_is_started_again_for_whoever_asks_later(fresh: OpenAthena, stack: Lake) -> None:
    clock = Clock(datetime.now(UTC))
    answers = fresh(clock)
    wrong = parse_query("select no_such_column from events")
    with pytest.raises(CommandError):
        answers.ask(SPAN, UTC, wrong)
    before = executions(stack)
    clock.at += athena_module.RETRIED_AFTER + timedelta(seconds=1)
    answers._clock = clock
    with pytest.raises((CommandError, NotReadyError)):
        fresh(clock, patience=0).ask(SPAN, UTC, wrong)
    assert executions(stack) == before + 1


@pytest.mark.parametrize("damaged", [b"", b"{}", b"[1]", b'{"query": 5, "number": "x"}'])
def test_a_damaged_record_is_replaced_by_a_new_query(damaged: bytes, fresh: OpenAthena, stack: Lake) -> None:
    question = parse_query(f"select count(*) as n, {len(damaged)} as salt from human_events")
    clock = Clock(datetime.now(UTC))
    (n, _) = fresh(clock).ask(SPAN, UTC, question).rows[0]
    (record,) = stack.objects("dashboard/queries/")
    stack.s3.put_object(Bucket=stack.bucket, Key=record.key, Body=damaged)
    assert fresh(clock).ask(SPAN, UTC, question).rows == [(n, len(damaged))]


def test_a_query_that_always_fails_is_started_three_times_in_a_slot(
    fresh: OpenAthena, stack: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each start may read as much as one query may, and anyone with a link can keep asking."""
    monkeypatch.setattr(athena_module, "RETRIED_AFTER", timedelta(hours=-1))  # at once
    clock, before = Clock(datetime.now(UTC)), executions(stack)
    for _ in range(2):
        with pytest.raises(CommandError, match="Athena: "):
            fresh(clock, patience=60).ask(SPAN, UTC, parse_query("select no_such_column from events"))
    assert executions(stack) == before + athena_module.MAX_STARTS


# --- the budget ---


def test_what_queries_read_is_entered_for_the_day(fresh: OpenAthena, stack: Lake) -> None:
    answers = fresh()
    answers.ask(SPAN, UTC, EVENTS)
    assert answers.spending() == (MIN_BILLED_BYTES, LIMIT)
    answers.ask(SPAN, UTC, saved_query("totals"))
    assert fresh().spending() == (2 * MIN_BILLED_BYTES, LIMIT)
    (entered,) = [found.key for found in stack.objects("dashboard/budget/")]
    assert entered == f"dashboard/budget/dt={NOW:%Y-%m-%d}.json"


def test_no_query_starts_once_the_budget_is_spent(fresh: OpenAthena, stack: Lake) -> None:
    answers = fresh(daily_bytes=2 * MIN_BILLED_BYTES)
    answers.ask(SPAN, UTC, EVENTS)
    answers.ask(SPAN, UTC, saved_query("totals"))
    before = executions(stack)
    with pytest.raises(OverBudgetError, match=r"have read 0\.02 GB, which is their budget") as over:
        answers.ask(SPAN, UTC, saved_query("types"))
    assert over.value.seconds == ((14 * 60 + 30) * 60)
    assert executions(stack) == before
    assert answers.ask(SPAN, UTC, EVENTS).rows  # what is known still shows
    next_day = Clock(NOW + timedelta(days=1))
    assert fresh(next_day, daily_bytes=2 * MIN_BILLED_BYTES).ask(SPAN, UTC, saved_query("types")).rows


def test_many_instances_together_stay_within_the_budget(fresh: OpenAthena, stack: Lake) -> None:
    before = executions(stack)
    allowed = 5

    def ask(name: str) -> bool:
        try:
            fresh(daily_bytes=allowed * MIN_BILLED_BYTES).ask(SPAN, UTC, saved_query(name))
        except OverBudgetError:
            return False
        return True

    names = ("types", "totals", "hours", "days", "months", "pages", "items", "bots", "countries", "devices")
    with ThreadPoolExecutor(5) as threads:
        found = [*threads.map(ask, names)]
    assert sum(found) == executions(stack) - before == allowed


def test_few_queries_run_at_once(fresh: OpenAthena, stack: Lake) -> None:
    answers = fresh(patience=0)
    state = SharedState(stack)
    running = {f"{number}-1": NOW.isoformat() for number in range(MAX_RUNNING)}
    assert state.replace(f"budget/dt={NOW:%Y-%m-%d}.json", {"spentBytes": 0, "running": running}, None)
    before = executions(stack)
    with pytest.raises(NotReadyError):
        answers.ask(SPAN, UTC, EVENTS)
    assert executions(stack) == before
    later = Clock(NOW + timedelta(minutes=2))  # none of them has ever started
    assert fresh(later).ask(SPAN, UTC, EVENTS).rows


def test_the_page_says_what_the_day_has_cost(fresh: OpenAthena) -> None:
    client = client_of(fresh(daily_bytes=MIN_BILLED_BYTES))
    assert 'data-panel="budget"' in client.get(f"/?{DAY}").text
    assert "have read 0 GB of at most 0.01 GB" in client.get("/panel/budget").text
    assert client.get(f"/panel/types?{DAY}").status_code == 200
    over = client.get(f"/panel/items?{DAY}")
    assert over.status_code == 429
    assert int(over.headers["Retry-After"]) > 0
    assert "The budget of this day is spent" in over.text
    assert "No more queries start before midnight UTC" in client.get("/panel/budget").text


def test_duckdb_costs_nothing_and_has_no_budget(by_duckdb: FlaskClient) -> None:
    assert 'data-panel="budget"' not in by_duckdb.get("/").text
    assert by_duckdb.get("/panel/budget").status_code == 404


def test_only_a_bucket_is_not_enough(stack: Lake) -> None:
    with pytest.raises(CommandError, match="pass --stage, not --bucket"):
        AthenaAnswers(Lake(stack.bucket, {}, stack.s3), Clock(), daily_bytes=LIMIT)
