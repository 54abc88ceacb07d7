"""Answers about past days are kept on this machine, and never outlive what they were made of."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clicklake.dashboard.answers import duckdb_answers
from clicklake.dashboard.answers.duckdb_answers import DuckdbAnswers
from clicklake.dashboard.answers.kept_answers import KeptAnswers
from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import HOUR, Span
from clicklake.query.queries import QueryResult, parse_query
from clicklake.tables.parquet_cache import ANSWERS, ParquetCache, cache_folder
from tests.support.lakes import TestLake, line, new_id

DAY = datetime(2026, 11, 19, tzinfo=UTC)
SPAN = Span(DAY, DAY + timedelta(days=1))
QUESTION = parse_query("select country, count(*) as n from events group by 1")

Ask = Callable[..., list[tuple[object, ...]]]


@pytest.fixture
def folder(lake: TestLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return cache_folder(Lake(lake.bucket, {}, lake.s3)) / ANSWERS


@pytest.fixture
def ask(lake: TestLake, folder: Path) -> Iterator[Ask]:
    """Ask in a dashboard that was started just now."""
    opened: list[DuckdbAnswers] = []

    def started(
        span: Span = SPAN, now: datetime = DAY + timedelta(days=9), lines_only: bool = False
    ) -> object:
        answers = DuckdbAnswers(Lake(lake.bucket, {}, lake.s3), (), lambda: now, lines_only=lines_only)
        opened.append(answers)
        return answers.ask(span, UTC, QUESTION).rows

    yield started  # type: ignore[misc]
    for answers in opened:
        answers.close()


@pytest.mark.emulator
def test_a_dashboard_started_anew_reads_a_past_day_from_its_answer(
    lake: TestLake, folder: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put("clicks", [line(new_id(), DAY, country="A")], DAY)
    assert ask() == [("A", 1)]
    assert folder.stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr(duckdb_answers, "SpanDatabase", None)
    assert ask() == [("A", 1)]


@pytest.mark.emulator
@pytest.mark.parametrize("changed", ["clicks", "replaced"])
def test_a_changed_day_is_read_anew(lake: TestLake, ask: Ask, changed: str) -> None:
    lake.put("clicks", [line(new_id(), DAY, country="A")], DAY)
    (key,) = lake.keys("clicks/")
    assert ask() == [("A", 1)]
    if changed == "replaced":
        lake.s3.delete_object(Bucket=lake.bucket, Key=key)
    lake.put("clicks", [line(new_id(), DAY, country="A")], DAY)
    assert ask() == [("A", 2 if changed == "clicks" else 1)]
    lake.put("clicks", [line(new_id(), DAY, country="B")], DAY + HOUR)
    assert ("B", 1) in ask()


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("span", "now"),
    [
        (SPAN, DAY + timedelta(days=2)),  # late clicks may still land
        (Span(DAY, DAY + timedelta(hours=5, minutes=1)), DAY + timedelta(days=9)),  # compared up to a minute
    ],
)
def test_what_changes_often_is_not_kept(
    lake: TestLake, folder: Path, ask: Ask, span: Span, now: datetime
) -> None:
    lake.put("clicks", [line(new_id(), DAY, country="A")], DAY)
    assert ask(span, now) == [("A", 1)]
    assert not folder.exists()


@pytest.mark.emulator
def test_figures_that_may_be_too_low_are_not_kept(lake: TestLake, folder: Path, ask: Ask) -> None:
    lake.put("clicks", [line(new_id(), DAY, country="A")], DAY)
    lake.put_broken(f"clicks/dt={DAY:%Y-%m-%d}/hr=00/broken")
    assert ask() == [("A", 1)]
    assert not folder.exists()


@pytest.mark.emulator
def test_an_erased_hour_takes_all_answers_along(lake: TestLake, folder: Path, ask: Ask) -> None:
    lake.put("clicks", [line(new_id(), DAY, country="A")], DAY)
    ask()
    assert list(folder.iterdir())
    ParquetCache(Lake(lake.bucket, {}, lake.s3)).forget(DAY)
    assert not folder.exists()


def test_an_answer_comes_back_as_it_was(tmp_path: Path) -> None:
    kept = KeptAnswers(tmp_path)
    result = QueryResult(("a", "b"), [("\N{GRINNING FACE}\n", None), (1, 0.1), (2**70, True)])
    kept.put(result, SPAN, "select 1")
    assert kept.get(SPAN, "select 1") == result
    assert kept.get(SPAN, "select 2") is None
    for file in tmp_path.iterdir():
        file.write_text('{"columns": ["a"]')
    assert kept.get(SPAN, "select 1") is None


def test_answers_are_bounded_and_what_json_cannot_hold_is_not_kept(tmp_path: Path) -> None:
    kept = KeptAnswers(tmp_path, max_files=10)
    for number in range(25):
        kept.put(QueryResult(("n",), [(number,)]), number)
    assert len(list(tmp_path.iterdir())) <= 10
    assert kept.get(24)
    kept.put(QueryResult(("n",), [(object(),)]), "object")
    assert kept.get("object") is None
    KeptAnswers(tmp_path / "file" / "folder").put(QueryResult((), []), 1)
    (tmp_path / "plain").touch()
    KeptAnswers(tmp_path / "plain").put(QueryResult((), []), 1)  # no folder: nothing is kept
