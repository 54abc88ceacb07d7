"""What becomes of the sessions between two steps."""

import pytest

from clicklake.dashboard.funnel import funnel_steps
from clicklake.query.filters import Condition
from clicklake.query.queries import QueryResult

STEPS = [Condition("page", "/"), Condition("type", "click"), Condition("type", "adopted")]


@pytest.mark.parametrize(
    ("numbers", "lost"),
    [
        ((50, 40, 10, 1), [10, 30, 9]),
        ((50, 40, 0, 0), [10, 40, 0]),
        ((50, 0, 0, 0), [50, 0, 0]),
        ((0, 0, 0, 0), [0, 0, 0]),
    ],
)
def test_sessions_that_do_not_reach_a_step_are_lost_there(numbers: tuple[int, ...], lost: list[int]) -> None:
    result = QueryResult(("sessions", "step_1", "step_2", "step_3"), [numbers])
    sessions, steps = funnel_steps(STEPS, result)
    assert sessions == numbers[0]
    assert [step.lost for step in steps] == lost
