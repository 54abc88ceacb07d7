"""Answers from Athena: a question starts a query, and whoever asks again gets its rows when it is over.

Instances share nothing but `dashboard/` in the bucket. So dashboard/queries/<key>.json says which query of
Athena answers a question, and any instance finds it. The key holds the question and a slot of time: within
the slot the question is asked once, whoever asks it and how often. Result reuse saves the next slot's query
if its SQL is the same. DuckDB is not imported here: the deployed bundle has none.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError
from sqlglot import exp

from clicklake.dashboard.answers.budget import DailyBudget
from clicklake.dashboard.answers.contract import NotReadyError, Question, Spending
from clicklake.dashboard.answers.failed_records import count_failures
from clicklake.dashboard.shared_state import SharedState, Stored
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.columns import SpanSources, sources_of
from clicklake.lake.partitions import Span
from clicklake.query.athena_results import (
    QueryExecution,
    get_execution,
    parse_execution,
    read_rows,
)
from clicklake.query.athena_sql import columns_table, to_athena
from clicklake.query.queries import QueryResult, referenced_tables, saved_query
from clicklake.tables.schema import LineTable, line_table

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient

LIVE_SECONDS = 300  # how long an answer about a time that goes on is kept
ENDED_SECONDS = 3600  # the same for a time that has ended: only late clicks, `compact` and `erase` change it
PATIENCE_SECONDS = 1.5  # how long a request waits for Athena
POLL_SECONDS = 0.2
ASK_AGAIN_SECONDS = 1
THROTTLED_SECONDS = 3
RETRIED_AFTER = timedelta(seconds=20)
"""A query that failed answers its question for so long. Then whoever asks starts it again."""
MAX_STARTS = 3
"""How often a question that fails is started within a slot. Each start may read as much as one query may."""
MAX_KEPT = 500  # answers and executions in an instance's memory
LISTED_SECONDS = 60.0  # how old the knowledge of a span's objects may be when a query starts
MAX_LISTINGS = 50
BATCH = 50  # of BatchGetQueryExecution
REQUESTS_AT_ONCE = 8
_THROTTLES = ("TooManyRequestsException", "ThrottlingException")


class _Record(NamedTuple):
    """Which query answers a question, and the version of the object that says so."""

    query_id: str
    """Empty if the object is missing or damaged."""
    number: int
    """How often the question was asked of Athena in this slot: more than once only after a failure."""
    etag: str | None


class AthenaAnswers:
    """Answers from the two tables of a lake's stack, in its work group."""

    poll_seconds = 10
    is_billed = True

    def __init__(
        self,
        lake: Lake,
        clock: Callable[[], datetime],
        *,
        daily_bytes: int,
        lines_only: bool = False,
        patience_seconds: float = PATIENCE_SECONDS,
        share: Callable[[], float] = lambda: 1,
    ) -> None:
        """`share` says how much of the budget may be spent for whoever asks.

        Raises CommandError if only the lake's bucket is known.
        """
        if "AthenaWorkGroupName" not in lake.outputs:
            raise CommandError("Athena needs the tables of a stack; pass --stage, not --bucket")
        self.lake, self._clock, self._patience = lake, clock, patience_seconds
        self._share = share
        self._lines_only = lines_only or "ColumnsTableName" not in lake.outputs
        self._group = lake.outputs["AthenaWorkGroupName"]
        self._state = SharedState(lake)
        self._budget = DailyBudget(self._state, daily_bytes, clock, self._executions_of)
        self._athena: AthenaClient = lake.client("athena")
        self._lock = threading.Lock()
        self._results: OrderedDict[str, QueryResult] = OrderedDict()
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._listings: OrderedDict[Span, tuple[float, SpanSources]] = OrderedDict()

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        return self._table.attributes

    @cached_property
    def _table(self) -> LineTable:
        return line_table(self.lake)

    def clock(self) -> datetime:
        return self._clock()

    def now(self) -> datetime:
        """Return the beginning of the slot, so that a view asks the same for as long as it lasts."""
        seconds = self._clock().timestamp()
        return datetime.fromtimestamp(seconds - seconds % LIVE_SECONDS, UTC)

    def ask(self, span: Span, zone: tzinfo, query: exp.Query) -> QueryResult:
        return self.ask_all([Question(span, zone, query)])[0]

    def ask_all(self, questions: Sequence[Question]) -> list[QueryResult]:
        """Start all queries, then wait for them together, but no longer than `patience_seconds`."""
        started = [self._begin(question) for question in questions]
        found = [each if isinstance(each, QueryResult) else None for each in started]
        deadline = time.monotonic() + self._patience
        while True:
            for place, key in enumerate(started):
                if isinstance(key, str) and found[place] is None:
                    found[place] = self._result(key, questions[place])
            answered = [each for each in found if each is not None]
            if len(answered) == len(found):
                return answered
            if time.monotonic() >= deadline:
                raise NotReadyError(ASK_AGAIN_SECONDS)
            time.sleep(POLL_SECONDS)

    def notes(self, span: Span, zone: tzinfo) -> tuple[str, ...]:
        return ()  # Athena does not say which lines it has left out

    def newest(self) -> str:
        return self.now().isoformat()

    def spending(self) -> Spending:
        return self._budget.spending()

    def close(self) -> None:
        """Nothing is open."""

    def _begin(self, question: Question) -> str | QueryResult:
        """Return the key of the question, for which a query has started, or the answer."""
        if referenced_tables([question.query]) == {"failed"}:
            return self._failures(question)
        key = self._key(question)
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
                return self._results[key]
        record = self._record(key)
        if not record.query_id:
            self._start(key, question, record)
        return key

    def _failures(self, question: Question) -> QueryResult:
        if question.query != saved_query("failures"):
            raise CommandError("Athena has no table of failed records; use --engine duckdb")
        return count_failures(self.lake, question.span)

    def _key(self, question: Question) -> str:
        parts = (
            *(self._clock().timestamp() // self._slot_seconds(question), self._lines_only, self._group),
            *(question.span, question.zone, question.query.sql("athena", comments=False)),
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def _slot_seconds(self, question: Question) -> int:
        """Return how long an answer to the question is kept."""
        return LIVE_SECONDS if question.span.until > self._clock() else ENDED_SECONDS

    def _record(self, key: str) -> _Record:
        with self._lock:
            if key in self._records:
                return self._records[key]
        stored = self._state.read(f"queries/{key}.json")
        record = _parse_record(stored)
        if record.query_id:
            self._keep(self._records, key, record)
        return record

    def _start(self, key: str, question: Question, replaced: _Record) -> None:
        """Start the question's query, and say so. If another instance came first, its query answers."""
        number = replaced.number + 1
        sql = self._sql(question)
        self._budget.enter(f"{key}-{number}", self._share())
        # Half of the slot: an answer of the slot before is used again only if it is young.
        minutes = self._slot_seconds(question) // 120
        token = hashlib.sha256(f"{key} {number} {sql}".encode()).hexdigest()
        try:
            started = self._athena.start_query_execution(
                QueryString=sql,
                WorkGroup=self._group,
                ClientRequestToken=token,
                ResultReuseConfiguration={
                    "ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": minutes}
                },
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _THROTTLES:
                raise NotReadyError(THROTTLED_SECONDS) from error
            raise
        document = {"query": started["QueryExecutionId"], "number": number}
        self._state.replace(f"queries/{key}.json", document, replaced.etag)
        with self._lock:
            self._records.pop(key, None)  # read again: it is ours, or that of whoever came first

    def _sql(self, question: Question) -> str:
        sources = self._sources(question.span)
        columns = columns_table(self.lake)
        return to_athena(question.query, self._table, columns, question.span, sources, question.zone)

    def _sources(self, span: Span) -> SpanSources:
        with self._lock:
            listed_at, sources = self._listings.get(span, (0.0, None))
        if sources is None or time.monotonic() - listed_at > LISTED_SECONDS:
            sources = sources_of(self.lake, span, self._clock(), lines_only=self._lines_only)
            with self._lock:
                self._listings[span] = time.monotonic(), sources
                while len(self._listings) > MAX_LISTINGS:
                    self._listings.popitem(last=False)
        return sources

    def _result(self, key: str, question: Question) -> QueryResult | None:
        """Return the rows; None while the query runs. Raises CommandError if it has failed.

        A query that failed a while ago is started again, for whoever asks once more.
        """
        record = self._record(key)
        if not record.query_id:  # another instance is about to write it
            return None
        execution = get_execution(self._athena, record.query_id)
        if not execution.is_over:
            return None
        if not execution.has_succeeded:
            is_old = execution.ended_at and execution.ended_at < self._clock() - RETRIED_AFTER
            if is_old and record.number < MAX_STARTS:
                self._start(key, question, record)
                return None
            raise CommandError(f"Athena: {execution.reason}")
        result = read_rows(self._athena, record.query_id)
        self._keep(self._results, key, result)
        return result

    def _executions_of(self, keys: Collection[str]) -> Mapping[str, QueryExecution]:
        """Return the executions of questions that the budget has entered, as `<key>-<number>`."""
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as threads:
            records = dict(
                zip(keys, threads.map(lambda key: self._record(key.rpartition("-")[0]), keys), strict=True)
            )
        ids = {record.query_id: key for key, record in records.items() if key.endswith(f"-{record.number}")}
        if not ids:
            return {}
        answer = self._athena.batch_get_query_execution(QueryExecutionIds=[*ids][:BATCH])
        found = [parse_execution(each) for each in answer["QueryExecutions"]]
        return {ids[execution.id]: execution for execution in found}

    def _keep(self, kept: "OrderedDict[str, Any]", key: str, value: object) -> None:
        with self._lock:
            kept[key] = value
            kept.move_to_end(key)
            while len(kept) > MAX_KEPT:
                kept.popitem(last=False)


def _parse_record(stored: Stored) -> _Record:
    document = stored.document or {}
    query_id, number = document.get("query"), document.get("number")
    if isinstance(query_id, str) and isinstance(number, int):
        return _Record(query_id, number, stored.etag)
    return _Record("", 0, stored.etag)
