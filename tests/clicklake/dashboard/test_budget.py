"""The day's budget, without a query: what a damaged object says of it."""

import json
from datetime import datetime

import pytest

from clicklake.dashboard.answers.budget import DailyBudget
from clicklake.dashboard.shared_state import SharedState
from clicklake.lake.bucket import Lake
from tests.clicklake.dashboard.conftest import NOW
from tests.support.lakes import TestLake

pytestmark = pytest.mark.emulator

KEY = f"dashboard/budget/dt={NOW:%Y-%m-%d}.json"


def clock() -> datetime:
    return NOW


@pytest.mark.parametrize(
    "stored",
    [
        b"[]",
        b"{",
        b'{"running": []}',
        b'{"running": {"a": 1}}',
        b'{"running": {"a": "x"}}',
        b'{"spentBytes": []}',
    ],
)
def test_a_damaged_budget_counts_as_none(stored: bytes, lake: TestLake) -> None:
    lake.s3.put_object(Bucket=lake.bucket, Key=KEY, Body=stored)
    budget = DailyBudget(SharedState(Lake(lake.bucket, {}, lake.s3)), 10**9, clock, lambda _: {})
    assert budget.spending().spent_bytes == 0
    budget.enter("question-1")
    assert json.loads(lake.body(KEY))["running"] == {"question-1": NOW.isoformat()}
