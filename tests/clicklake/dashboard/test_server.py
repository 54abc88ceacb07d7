"""The server of the dashboard prints nothing but what an operator has to know."""

import http.client
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime

import pytest

from clicklake.dashboard.answers.duckdb_answers import DuckdbAnswers
from clicklake.dashboard.command import THREADS, open_server
from clicklake.lake.bucket import Lake
from tests.support.lakes import TestLake
from tests.support.served import ServerThread

pytestmark = pytest.mark.emulator


def test_panels_that_wait_for_a_thread_are_no_warning(
    lake: TestLake, caplog: pytest.LogCaptureFixture
) -> None:
    own = Lake(lake.bucket, {}, lake.s3)
    answers = DuckdbAnswers(own, (), lambda: datetime.now(UTC))
    server = open_server(own, answers, 0, None)
    served = ServerThread(server)
    headers = {"Cookie": f"{server.gate.cookie}={server.gate.token}"}

    def ask(_: int) -> int:
        with closing(http.client.HTTPConnection("127.0.0.1", server.effective_port)) as connection:
            connection.request("GET", "/panel/items", headers=headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status

    try:
        with ThreadPoolExecutor(4 * THREADS) as threads:
            assert [*threads.map(ask, range(4 * THREADS))] == [200] * 4 * THREADS
        assert not [record for record in caplog.records if record.name.startswith("waitress")]
    finally:
        served.close()
        answers.close()
