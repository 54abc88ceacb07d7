"""What measures: the stub of Firehose, the function in a process of its own, the Runtime API."""

import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection

import boto3
import pytest

from benchmarks.bundles import PEERS
from benchmarks.designs import BARE_SOCKET, DESIGNS, NOOP
from benchmarks.events import make_body, make_event
from benchmarks.firehose import firehose
from benchmarks.function import Function
from benchmarks.load import load
from benchmarks.runtime_api import RuntimeApi
from benchmarks.warm import sizes
from ingest_app.clicks import MAX_CLICKS
from ingest_app.parsing.body import MAX_BODY_BYTES

LIMITS = PEERS / "limits"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with firehose() as running:
        yield running


def test_largest_request_fits_the_limits_of_the_api() -> None:
    assert len(make_body(MAX_CLICKS)) <= MAX_BODY_BYTES


def test_every_click_of_a_request_is_taken() -> None:
    ten, fifty = sizes(10), sizes(50)
    assert 4.5 < (fifty["record"] / ten["record"]) < 5
    assert ten["answer"] < fifty["answer"]


@pytest.mark.e2e
def test_stub_answers_boto3_again_and_again(address: str) -> None:
    client = boto3.client(
        "firehose",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    for size in (1, 200_000, 10):
        answer = client.put_record(DeliveryStreamName="clicks", Record={"Data": b"x" * size})
        assert answer["RecordId"]
    client.close()


@pytest.mark.e2e
@pytest.mark.parametrize("design", [NOOP, BARE_SOCKET])
def test_function_answers_as_often_as_it_is_asked(design: object, address: str) -> None:
    assert design in DESIGNS
    function = Function(LIMITS, design.handler, address)
    try:
        sample = function(make_event(make_body(1)), 7)
        assert len(sample.walls_us) == 7
        assert sample.cpu_us > 0
        assert sample.log_bytes == 0
    finally:
        function.close()


@pytest.mark.e2e
def test_function_that_fails_is_told_with_its_log(address: str) -> None:
    function = Function(LIMITS, "missing.handler", address)
    try:
        with pytest.raises(RuntimeError, match="No module named 'missing'"):
            function(make_event(make_body(1)), 1)
    finally:
        function.close()


@pytest.mark.e2e
def test_runtime_api_hands_out_each_event_once_and_times_the_answers() -> None:
    with RuntimeApi([{"number": 1}, {"number": 2}]) as api:
        runtime = HTTPConnection("127.0.0.1", api.server_port)
        for number in (1, 2):
            runtime.request("GET", "/2018-06-01/runtime/invocation/next")
            answer = runtime.getresponse()
            assert json.loads(answer.read()) == {"number": number}
            assert answer.headers["Lambda-Runtime-Aws-Request-Id"]
            runtime.request("POST", "/2018-06-01/runtime/invocation/id/response", body=b"{}")
            runtime.getresponse().read()
        runtime.close()
        assert len(api.requests) == 2
        assert not api.failure
        last = threading.Thread(target=ask_once_more, args=(api.server_port,))
        last.start()
        assert api.done.wait(10)
        last.join()


def ask_once_more(port: int) -> None:
    runtime = HTTPConnection("127.0.0.1", port)
    runtime.request("GET", "/2018-06-01/runtime/invocation/next")
    with pytest.raises(OSError):  # noqa: PT011 (closed without an answer: there is no more to do)
        runtime.getresponse()
    runtime.close()


@pytest.mark.e2e
def test_runtime_api_keeps_what_a_handler_died_of() -> None:
    with RuntimeApi([{}]) as api:
        runtime = HTTPConnection("127.0.0.1", api.server_port)
        runtime.request("POST", "/2018-06-01/runtime/init/error", body=b'{"errorMessage":"no module"}')
        runtime.getresponse().read()
        runtime.close()
        assert api.done.wait(10)
        assert "no module" in api.failure


async def _load(port: int) -> float:
    return await load(port, b"{}", 0.2)


@pytest.mark.e2e
def test_load_takes_nothing_but_a_202_for_an_answer(address: str) -> None:
    import asyncio

    port = int(address.rpartition(":")[2])
    with pytest.raises(RuntimeError, match="200 OK"):
        asyncio.run(_load(port))
