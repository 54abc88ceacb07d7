"""The bytes that the dashboard's queries may read in a day, so that no reader can cause a large bill.

dashboard/budget/dt=….json holds what the queries of a UTC day have read, and which of them run. A query is
entered before it starts, and its bytes are known when it is over: the next query to start enters them. So a
day can exceed its budget by what the queries read that run at that moment. They are at most MAX_RUNNING, and
Athena stops each at the work group's limit.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta

from clicklake.dashboard.answers.contract import NotReadyError, OverBudgetError, Spending
from clicklake.dashboard.shared_state import Document, SharedState
from clicklake.query.athena_results import MIN_BILLED_BYTES, QueryExecution

MAX_RUNNING = 8  # an account may have 20 or more: docs.aws.amazon.com/athena/latest/ug/service-limits.html
BUSY_SECONDS = 2
STARTING = timedelta(minutes=1)
"""A query that was entered earlier, and that nobody finds, has not started."""

FindExecutions = Callable[[Collection[str]], Mapping[str, QueryExecution]]
"""Return the executions of these questions' keys; a question that never started is left out."""


class DailyBudget:
    def __init__(
        self, state: SharedState, limit_bytes: int, clock: Callable[[], datetime], find: FindExecutions
    ) -> None:
        self._state, self._limit, self._clock, self._find = state, limit_bytes, clock, find

    def enter(self, key: str, share: float = 1) -> None:
        """Enter a query that is about to start, for somebody who may spend a share of the budget.

        Raises OverBudgetError if the day's bytes are spent, NotReadyError if too many queries run.
        """
        now, limit = self._clock(), round(self._limit * share)

        def with_query(document: Document) -> Document:
            settled = self._settle(document, now)
            running = settled["running"]
            if settled["spentBytes"] + MIN_BILLED_BYTES * len(running) >= limit:
                raise OverBudgetError(_over(limit), _seconds_left(now))
            if len(running) >= MAX_RUNNING and key not in running:
                raise NotReadyError(BUSY_SECONDS)
            return settled | {"running": running | {key: now.isoformat()}}

        self._state.change(_name(now), with_query)

    def spending(self) -> Spending:
        """Return what this day's queries have read, with those that are over but not entered yet."""
        now = self._clock()
        document = self._settle(self._state.read(_name(now)).document or {}, now)
        return Spending(document["spentBytes"], self._limit)

    def _settle(self, document: Document, now: datetime) -> Document:
        """Return the document in which the queries that are over have become bytes."""
        try:
            running = {
                str(key): datetime.fromisoformat(at) for key, at in document.get("running", {}).items()
            }
            spent, queries = int(document.get("spentBytes", 0)), int(document.get("queries", 0))
        except (AttributeError, TypeError, ValueError):  # a damaged object counts as none
            running, spent, queries = {}, 0, 0
        executions = self._find(running.keys()) if running else {}
        over = {key: found for key, found in executions.items() if found.is_over}
        waiting = {
            key: at.isoformat()
            for key, at in running.items()
            if key not in over and (key in executions or at > now - STARTING)
        }
        return {
            "spentBytes": spent + sum(found.billed_bytes for found in over.values()),
            "queries": queries + len(over),
            "running": waiting,
        }


def _over(limit: int) -> str:
    return (
        f"The queries of this day (UTC) have read {to_gigabytes(limit)}, which is their budget."
        " Views that were already asked for still show; others can be asked for tomorrow. Whoever deploys"
        " the dashboard can raise DASHBOARD_DAILY_BYTES."
    )


def to_gigabytes(number: int) -> str:
    """Return the number as people read it. A small one keeps two digits: 0.012 GB."""
    gigabytes = number / 1e9
    return f"{gigabytes:,.0f} GB" if gigabytes >= 100 else f"{gigabytes:.2g} GB"


def _name(now: datetime) -> str:
    return f"budget/dt={now.astimezone(UTC):%Y-%m-%d}.json"


def _seconds_left(now: datetime) -> int:
    utc = now.astimezone(UTC)
    midnight = utc.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return max(1, round((midnight - utc).total_seconds()))
