"""AutoReplay puts failed records back once the processor accepts them, and never a second time."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from clicklake.keeper import auto_replay
from clicklake.keeper.auto_replay import triage_once
from clicklake.keeper.invocation import Invocation
from clicklake.keeper.results import claimed, read_result, result_key
from clicklake.lake.bucket import Lake
from tests.clicklake.keeper.conftest import Context, SelfCalls, metrics_in
from tests.clicklake.replay.test_replay import BARE, Stream
from tests.faults.processors import SOURCES
from tests.support.emulator import Emulator
from tests.support.lakes import TestLake, click, document, envelope

REPLAY = {"job": "replay"}
NOW = datetime.now(UTC)
ACCEPTS = """
def lambda_handler(event, context):
    return {"records": [{"recordId": each["recordId"], "result": "Ok"} for each in event["records"]]}
"""
# It refuses a record that holds the word, as the real one refuses what is not an envelope.
REFUSES_POISON = """
import base64

def result_of(data):
    return "ProcessingFailed" if b"poison" in base64.b64decode(data) else "Ok"

def lambda_handler(event, context):
    return {"records": [
        {"recordId": each["recordId"], "result": result_of(each["data"])} for each in event["records"]
    ]}
"""
STILL_FAILING = (
    *("returns nothing", "returns a string", "returns no records", "returns each record twice"),
    *("returns unknown record ids", "returns an unknown result", "drops every record"),
)

Clock = Callable[[datetime], SelfCalls]


class Processor:
    """A function whose code a test replaces."""

    def __init__(self, emulator: Emulator) -> None:
        self.name = f"processor-{uuid4()}"
        self._lambda = emulator.client("lambda")
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        role = emulator.client("iam").create_role(RoleName=self.name, AssumeRolePolicyDocument=trust)["Role"]
        self._lambda.create_function(
            FunctionName=self.name,
            Runtime="python3.11",
            Role=role["Arn"],
            Handler="handler.lambda_handler",
            Code={"ZipFile": packed(ACCEPTS)},
            Timeout=5,
        )

    def becomes(self, source: str) -> None:
        self._lambda.update_function_code(FunctionName=self.name, ZipFile=packed(source))


def packed(source: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("handler.py", source)
    return archive.getvalue()


@pytest.fixture
def stream(emulator: Emulator, keeper: Lake, monkeypatch: pytest.MonkeyPatch) -> Stream:
    created = Stream.create(emulator)
    monkeypatch.setenv("CLICK_STREAM", created.name)
    monkeypatch.setenv("AUTO_REPLAY", "yes")
    return created


@pytest.fixture
def processor(emulator: Emulator, stream: Stream, monkeypatch: pytest.MonkeyPatch) -> Processor:
    made = Processor(emulator)
    monkeypatch.setenv("PROCESSOR_FUNCTION", made.name)
    return made


def fail(lake: TestLake, *records: bytes) -> str:
    return lake.put("failed", [document(record) for record in records])


# --- which records ---


def test_only_records_that_were_never_replayed_go_back() -> None:
    record = envelope([click()])
    assert triage_once(record).records == [record.replace(b'"replays":0', b'"replays":1')]
    for other in (envelope([click()], replays=1), BARE, b"garbage", b"", None):
        assert triage_once(other) == ([], False)


def test_a_record_with_an_envelope_that_was_replayed_stays_whole() -> None:
    assert triage_once(envelope([click()]) + envelope([click()], replays=1)) == ([], False)


# --- the job ---


@pytest.mark.emulator
def test_failed_records_go_back_when_the_processor_accepts_them(
    keeper: Lake,
    lake: TestLake,
    clock: Clock,
    stream: Stream,
    processor: Processor,
    capsys: pytest.CaptureFixture[str],
) -> None:
    records = [envelope([click()]), envelope([click(), click()])]
    key = fail(lake, *records)
    done = clock(NOW).run(REPLAY)
    assert (done["replayed"], done["refusedObjects"]) == ({"Lambda.FunctionError": 2}, 0)
    assert [record["replays"] for record in stream.records()] == [1, 1]
    assert lake.keys("failed/") == []
    assert lake.keys("replayed/") == [f"replayed/{key}"]
    assert metrics_in(capsys.readouterr().out) == [{"Replayed": 2, "RefusedObjects": 0}]
    assert clock(NOW).run(REPLAY)["replayed"] == {"Lambda.FunctionError": 2}  # the day's count stays
    assert len(stream.records()) == 2


@pytest.mark.emulator
@pytest.mark.parametrize(
    "name",
    [
        "raises",
        "returns half of the records",
        *(pytest.param(name, marks=pytest.mark.long) for name in STILL_FAILING),
    ],
)
def test_a_processor_that_still_fails_gets_nothing_back(
    keeper: Lake, lake: TestLake, clock: Clock, stream: Stream, processor: Processor, name: str
) -> None:
    key = fail(lake, envelope([click()]), envelope([click()]))
    processor.becomes(SOURCES[name])
    assert clock(NOW).run(REPLAY)["refusedObjects"] == 1
    assert (lake.keys("failed/"), stream.records()) == ([key], [])
    processor.becomes(ACCEPTS)
    clock(NOW).run(REPLAY)
    assert len(stream.records()) == 2


@pytest.mark.emulator
def test_a_record_that_fails_again_is_not_replayed_a_second_time(
    keeper: Lake, lake: TestLake, clock: Clock, stream: Stream, processor: Processor
) -> None:
    fail(lake, envelope([click()]))
    clock(NOW).run(REPLAY)
    (put,) = stream.records()
    again = fail(lake, json.dumps(put).encode() + b"\n")
    for _ in range(3):
        clock(NOW).run(REPLAY)
    assert len(stream.records()) == 1
    assert lake.keys("failed/") == [again]


@pytest.mark.emulator
def test_an_object_that_always_fails_holds_up_no_other(
    keeper: Lake, lake: TestLake, clock: Clock, stream: Stream, processor: Processor
) -> None:
    processor.becomes(REFUSES_POISON)
    good = [fail(lake, envelope([click()])) for _ in range(2)]
    poison = fail(lake, envelope([click(title="poison")]), envelope([click()]))
    assert clock(NOW).run(REPLAY)["refusedObjects"] == 1
    assert lake.keys("failed/") == [poison]
    assert lake.keys("replayed/") == sorted(f"replayed/{key}" for key in good)


@pytest.mark.emulator
def test_legacy_clicks_garbage_and_recovered_clicks_stay_for_a_person(
    keeper: Lake, lake: TestLake, clock: Clock, stream: Stream, processor: Processor
) -> None:
    fail(lake, BARE, b"garbage", envelope([click()], replays=1))
    recovered = "failed/missing/dt=2026-11-20/recovered"
    lake.s3.put_object(Bucket=lake.bucket, Key=recovered, Body=document(envelope([click()])))
    lake.put_broken(lake.keys("failed/processing-failed/")[0])
    before = lake.keys("failed/")
    clock(NOW).run(REPLAY)
    assert (lake.keys("failed/"), lake.keys("parked/"), stream.records()) == (before, [], [])
    assert read_result(keeper, result_key("replay", NOW.date())) is None


@pytest.mark.emulator
def test_a_processor_that_is_down_is_asked_three_times_an_hour(
    keeper: Lake,
    lake: TestLake,
    clock: Clock,
    stream: Stream,
    processor: Processor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(5):
        fail(lake, envelope([click()]))
    asked: list[int] = []

    def refuse(invocation: Invocation, records: list[bytes]) -> bool:
        asked.append(len(records))
        return False

    monkeypatch.setattr(auto_replay, "_accepts", refuse)
    assert clock(NOW).run(REPLAY)["refusedObjects"] == 3
    assert asked == [1, 1, 1]


@pytest.mark.emulator
def test_a_run_without_time_and_a_second_run_at_once_do_nothing(
    keeper: Lake, lake: TestLake, clock: Clock, stream: Stream, processor: Processor
) -> None:
    fail(lake, envelope([click()]))
    assert clock(NOW).run(REPLAY, Context(seconds=80))["replayed"] == {}
    with claimed(keeper, "replay", NOW.date(), "another run"):
        assert clock(NOW).run(REPLAY)["running"] is True
    assert stream.records() == []
