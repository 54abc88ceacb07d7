"""The day's budget, without a query: what a damaged object says of it."""

import json
from datetime import datetime

import pytest
from flask import Flask

from clicklake.dashboard.access.reader import Reader, budget_share, let_in
from clicklake.dashboard.answers.budget import DailyBudget
from clicklake.dashboard.answers.contract import OverBudgetError
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


def test_a_guest_starts_no_query_once_half_is_spent(lake: TestLake) -> None:
    lake.s3.put_object(Bucket=lake.bucket, Key=KEY, Body=b'{"spentBytes": 500000000}')
    budget = DailyBudget(SharedState(Lake(lake.bucket, {}, lake.s3)), 10**9, clock, lambda _: {})
    with Flask(__name__).app_context():
        let_in(Reader(link="a link"))
        with pytest.raises(OverBudgetError, match=r"have read 0\.5 GB"):
            budget.enter("question-1", budget_share())
        let_in(Reader(csrf_token="a session"))
        budget.enter("question-1", budget_share())
