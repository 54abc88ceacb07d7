"""Goals and funnels: in how many sessions did the steps happen, each after the one before it?

A session reaches a step if it has an event of that step at or after the time when it reached the step before.
A goal is a funnel of one step: its conversion is the share of all sessions that reach it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlglot import exp

from clicklake.query.filters import Condition, where
from clicklake.query.queries import QueryResult, parse_query

VISIT_COLUMNS = "session_key, event_time, type, path, itemid"


class FunnelStep(NamedTuple):
    """A step, and the sessions that reached it."""

    condition: Condition
    sessions: int
    of_all: float
    """The share of all sessions."""
    lost: int
    """Sessions of the step before that did not reach this one."""


def funnel_question(steps: Sequence[Condition], selected: exp.Expression | None) -> exp.Query:
    """Return the question for one row: all sessions, then the sessions that reached each step.

    `selected` are the filters: they choose the sessions that have such an event.
    """
    chosen = ""
    if selected is not None:
        sessions = f"select session_key from human_events where {selected.sql('athena')}"  # noqa: S608
        chosen = f" and session_key in ({sessions})"
    visits = f"select {VISIT_COLUMNS} from human_events where session_key is not null{chosen}"  # noqa: S608
    ctes = [f"visits as ({visits})"]
    for at, step in enumerate(steps):
        holds = where([step])
        assert holds is not None
        after = f" join step_{at - 1} as earlier on visits.session_key = earlier.session_key" if at else ""
        later = " and event_time >= earlier.reached" if at else ""
        ctes.append(
            f"step_{at} as (select visits.session_key, min(event_time) as reached from visits{after}"  # noqa: S608
            f" where {holds.sql('athena')}{later} group by visits.session_key)"
        )
    counts = ["(select count(distinct session_key) from visits) as sessions"]
    counts += [f"(select count(*) from step_{at}) as step_{at + 1}" for at in range(len(steps))]  # noqa: S608
    return parse_query(f"with {', '.join(ctes)} select {', '.join(counts)}")


def funnel_steps(steps: Sequence[Condition], result: QueryResult) -> tuple[int, list[FunnelStep]]:
    """Return all sessions, and each step with what became of them."""
    sessions, *reached = result.rows[0]
    found: list[FunnelStep] = []
    before = sessions
    for step, number in zip(steps, reached, strict=True):
        found.append(FunnelStep(step, number, number / sessions if sessions else 0, before - number))
        before = number
    return sessions, found
