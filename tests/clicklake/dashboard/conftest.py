"""The dashboard over a day of the demo's visits."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from clicklake.dashboard.answers.duckdb_answers import DuckdbAnswers
from clicklake.dashboard.app import create_app
from clicklake.lake.bucket import Lake
from tests.support.day import END, Day, lay_day
from tests.support.emulator import Emulator
from tests.support.lakes import TestLake, new_lake

ATTRIBUTES = ("name", "goodevil", "lawchaos", "species")
NOW = END + timedelta(hours=9, minutes=30)  # the morning after

OpenDashboard = Callable[..., FlaskClient]


@pytest.fixture(scope="package")
def day(emulator: Emulator) -> Day:
    return lay_day(new_lake(emulator), sessions=60)


@pytest.fixture(scope="package")
def open_dashboard() -> Iterator[OpenDashboard]:
    """Return a client of the app over a lake, for whoever asks."""
    opened: list[DuckdbAnswers] = []

    def start(
        lake: TestLake, now: datetime = NOW, check: Callable[[Any], Any] = lambda _: None
    ) -> FlaskClient:
        answers = DuckdbAnswers(Lake(lake.bucket, {}, lake.s3), ATTRIBUTES, lambda: now)
        opened.append(answers)
        return create_app(answers, check, f"--bucket {lake.bucket}").test_client()

    yield start
    for answers in opened:
        answers.close()


@pytest.fixture(scope="package")
def client(day: Day, open_dashboard: OpenDashboard) -> FlaskClient:
    return open_dashboard(day.lake)
