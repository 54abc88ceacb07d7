"""What the dashboard asks of an engine. The pages know nothing else of DuckDB or Athena."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple, Protocol

from sqlglot import exp

from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import Span
from clicklake.query.queries import QueryResult


class Question(NamedTuple):
    """A query, and which time it is about."""

    span: Span
    zone: tzinfo
    query: exp.Query


class NotReadyError(Exception):
    """The answer is on its way. Ask again after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"ask again after {seconds} s")
        self.seconds = seconds


class OverBudgetError(CommandError):
    """The queries of this day have read as many bytes as they may. `seconds` are left of the day."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class Spending(NamedTuple):
    """What the queries of a day have read, in bytes as they are billed, and what they may read."""

    spent_bytes: int
    limit_bytes: int


class Answers(Protocol):
    """Answers questions about one lake. Any thread may ask."""

    lake: Lake
    poll_seconds: int
    """How often an open page asks whether something has landed, and who is here."""
    is_billed: bool
    """Whether queries cost money, take their time, and have a budget."""

    @property
    def attributes(self) -> tuple[str, ...]:
        """Return those of the catalogue, in lower case."""

    def clock(self) -> datetime:
        """Return the time."""

    def now(self) -> datetime:
        """Return the time from which views count: the clock's, or a little earlier."""

    def ask(self, span: Span, zone: tzinfo, query: exp.Query) -> QueryResult:
        """Answer one question, as `ask_all` does."""

    def ask_all(self, questions: Sequence[Question]) -> list[QueryResult]:
        """Answer all of them, in their order.

        Raises NotReadyError if an answer takes longer than a request may, OverBudgetError, and CommandError
        for what the engine refuses.
        """

    def notes(self, span: Span, zone: tzinfo) -> tuple[str, ...]:
        """Return what whoever reads the answers about the span should know, such as unreadable objects."""

    def newest(self) -> str:
        """Return what changes when the answers about a time that goes on can have changed."""

    def spending(self) -> Spending | None:
        """Return what the engine has cost today; None if it is free."""

    def close(self) -> None:
        """Free what the engine holds."""
