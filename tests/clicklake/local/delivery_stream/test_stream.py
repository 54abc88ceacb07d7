"""A delivery stream with a fixed clock: buffers, outcomes, retries, and the journal."""

import base64
import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clicklake.local.delivery_stream.configuration import parse_destination
from clicklake.local.delivery_stream.objects import SealedObject
from clicklake.local.delivery_stream.transform import MAX_PAYLOAD_BYTES, InvocationError
from tests.clicklake.local.delivery_stream.world import (
    LAMBDA_ARN,
    NOON,
    World,
    answer,
    body,
    config,
    decoded,
    ok,
    processing,
    shout,
)

MakeWorld = Callable[..., World]


def batches(world: World) -> list[list[bytes]]:
    """Return the records of each invocation."""
    return [[decoded(record) for record in event["records"]] for event in world.events]


def kinds(world: World) -> list[str]:
    return [sealed.kind for sealed in world.objects]


def first(world: World, kind: str) -> SealedObject:
    return next(sealed for sealed in world.objects if sealed.kind == kind)


def test_records_are_delivered_transformed_and_kept_raw_as_put(world: MakeWorld) -> None:
    lake = world()
    lake.stream.put([b"one\n", b"two\n"])
    lake.settle()
    assert lake.content("delivered") == b"ONE\nTWO\n"
    assert lake.content("raw") == b"one\ntwo\n"
    assert lake.content("failed") == b""


def test_processor_waits_for_its_interval(world: MakeWorld) -> None:
    lake = world()
    lake.stream.put([b"a"])
    lake.pass_seconds(6)
    lake.stream.put([b"b"])
    lake.pass_seconds(3.9)
    assert batches(lake) == []
    lake.pass_seconds(0.1)  # 10 s after the first
    assert batches(lake) == [[b"a", b"b"]]


def test_processor_does_not_wait_when_its_buffer_is_full(world: MakeWorld) -> None:
    lake = world(ProcessingConfiguration=processing(BufferSizeInMBs="0.2"))
    lake.stream.put([b"a" * 100_000, b"b" * 100_000])
    lake.pass_seconds(0)
    assert batches(lake) == []
    lake.stream.put([b"c" * 100_000])
    lake.pass_seconds(0)
    assert [len(batch) for batch in batches(lake)] == [2]  # up to the hint; the third still waits


def test_record_larger_than_the_hint_is_a_batch_of_its_own(world: MakeWorld) -> None:
    lake = world(ProcessingConfiguration=processing(BufferSizeInMBs="0.2"))
    lake.stream.put([b"a" * 1_024_000, b"b"])
    lake.pass_seconds(10)
    assert [len(batch) for batch in batches(lake)] == [1, 1]


def test_event_never_exceeds_the_limit_of_lambda(world: MakeWorld) -> None:
    lake = world(ProcessingConfiguration=processing(BufferSizeInMBs="3"))
    lake.stream.put([b"x" * 180] * 17_000)  # 3.06 MB of data, an event of 6.7 MB
    lake.settle()
    assert len(lake.events) == 2
    assert all(len(json.dumps(event)) <= MAX_PAYLOAD_BYTES for event in lake.events)
    assert lake.content("delivered") == b"X" * 180 * 17_000


def test_only_a_few_invocations_run_at_once(world: MakeWorld) -> None:
    hurried = processing(BufferSizeInMBs="0.2", BufferIntervalInSeconds="0")
    lake = world(ProcessingConfiguration=hurried, S3BackupMode="Disabled")
    waiting: list[Callable[[], None]] = []
    lake.run = waiting.append
    for _ in range(9):
        lake.stream.put([b"x" * 300_000])
        lake.stream.tick()
    assert len(waiting) == 5
    waiting.pop(0)()
    lake.stream.tick()
    assert len(waiting) == 5


def test_object_waits_for_its_interval(world: MakeWorld) -> None:
    lake = world(ProcessingConfiguration={})
    lake.stream.put([b"a"])
    lake.pass_seconds(59.9)
    assert lake.objects == []
    lake.pass_seconds(0.1)
    assert kinds(lake) == ["delivered", "raw"]


def test_object_does_not_wait_when_its_buffer_is_full(world: MakeWorld) -> None:
    lake = world(ProcessingConfiguration={})
    lake.stream.put([b"a" * 600_000])
    lake.pass_seconds(0)
    assert lake.objects == []
    lake.stream.put([b"b" * 600_000])
    lake.pass_seconds(0)
    assert lake.content("delivered") == b"a" * 600_000 + b"b" * 600_000


def test_interval_of_zero_means_no_wait(world: MakeWorld) -> None:
    at_once = {"IntervalInSeconds": 0, "SizeInMBs": 1}
    lake = world(ProcessingConfiguration={}, BufferingHints=at_once)
    lake.stream.put([b"a"])
    lake.pass_seconds(0)
    assert kinds(lake) == ["delivered"]


def test_raw_and_delivered_objects_have_separate_hints(world: MakeWorld) -> None:
    hints = {"IntervalInSeconds": 120, "SizeInMBs": 5}
    backup = {**config()["S3BackupConfiguration"], "BufferingHints": hints}
    lake = world(ProcessingConfiguration={}, S3BackupConfiguration=backup)
    lake.stream.put([b"a"])
    lake.pass_seconds(60)
    assert kinds(lake) == ["delivered"]
    lake.pass_seconds(60)
    assert kinds(lake) == ["delivered", "raw"]


def test_key_is_prefix_stream_version_time_and_a_unique_name(world: MakeWorld) -> None:
    lake = world()
    lake.stream.put([b"a"])
    lake.settle()
    delivered, raw = sorted(lake.objects, key=lambda sealed: sealed.kind)
    uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    folder = r"dt=2026-11-24/hr=12/clicks-1-2026-11-24-12-00-00-"
    assert re.fullmatch(rf"clicks/{folder}{uuid}\.gz", delivered.key)
    assert re.fullmatch(rf"raw/{folder}{uuid}", raw.key)
    assert delivered.bucket == "lake"


def test_objects_are_gzipped_if_configured(world: MakeWorld) -> None:
    lake = world()
    lake.stream.put([b"a"])
    lake.settle()
    delivered, raw = sorted(lake.objects, key=lambda sealed: sealed.kind)
    assert (delivered.content_encoding, body(delivered)) == ("gzip", b"A")
    assert (raw.content_encoding, raw.body) == (None, b"a")


def test_configured_file_extension_wins(world: MakeWorld) -> None:
    lake = world(FileExtension=".json.gz")
    lake.stream.put([b"a"])
    lake.settle()
    assert any(sealed.key.endswith(".json.gz") for sealed in lake.objects)


def test_folder_comes_from_the_oldest_record(world: MakeWorld) -> None:
    lake = world(ProcessingConfiguration={})
    lake.now = 3595.0  # five seconds to one o'clock
    lake.stream.put([b"before"])
    lake.pass_seconds(30)
    lake.stream.put([b"after"])
    lake.pass_seconds(30)
    delivered = first(lake, "delivered")
    assert "/hr=12/" in delivered.key
    assert body(delivered) == b"beforeafter"


def test_folder_follows_the_time_zone(world: MakeWorld) -> None:
    lake = world(CustomTimeZone="Asia/Tokyo")
    lake.stream.put([b"a"])
    lake.settle()
    delivered = first(lake, "delivered")
    assert delivered.key.startswith("clicks/dt=2026-11-24/hr=21/clicks-1-2026-11-24-21-00-00-")


def test_delimiter_is_added_between_records_if_configured(world: MakeWorld) -> None:
    delimiter = {"Enabled": True, "Processors": [{"Type": "AppendDelimiterToRecord", "Parameters": []}]}
    lake = world(ProcessingConfiguration=delimiter)
    lake.stream.put([b"a", b"b"])
    lake.settle()
    assert lake.content("delivered") == b"a\nb"


def test_update_applies_to_buffered_records(world: MakeWorld) -> None:
    lake = world(ProcessingConfiguration={})
    lake.stream.put([b"a"])
    lake.stream.configure(2, parse_destination(config(ProcessingConfiguration={}, Prefix="moved/")))
    lake.settle()
    delivered = first(lake, "delivered")
    assert delivered.key.startswith("moved/2026/11/24/12/clicks-2-")


def failing(event: dict[str, Any]) -> bytes:
    """Fail, drop or shout, as each record says."""
    results = {b"fail": "ProcessingFailed", b"drop": "Dropped"}
    answers = []
    for record in event["records"]:
        data = decoded(record)
        result = results.get(data.partition(b" ")[0], "Ok")
        answers.append({**ok(record["recordId"], data.upper()), "result": result})
    return answer(*answers)


def test_failed_record_is_kept_whole_and_its_neighbours_are_delivered(world: MakeWorld) -> None:
    lake = world(failing)
    lake.stream.put([b"one", b"fail", b"two"])
    lake.settle()
    assert lake.content("delivered") == b"ONETWO"
    assert lake.documents() == [
        {
            "rawData": "ZmFpbA==",
            "errorCode": "Lambda.ProcessingFailedStatus",
            "errorMessage": "ProcessingFailed status set for record",
            "attemptsMade": 1,
            "arrivalTimestamp": int(NOON * 1000),
            "attemptEndingTimestamp": int(NOON * 1000) + 10_000,
            "lambdaARN": LAMBDA_ARN,
        }
    ]


def test_error_object_has_plain_lines_under_its_type(world: MakeWorld) -> None:
    lake = world(failing)
    lake.stream.put([b"fail"])
    lake.settle()
    failed = first(lake, "failed")
    assert failed.key.startswith("failed/processing-failed/dt=2026-11-24/clicks-1-")
    assert not failed.key.endswith(".gz")
    assert failed.content_encoding is None


def test_dropped_record_leaves_only_its_raw_copy(world: MakeWorld) -> None:
    lake = world(failing)
    lake.stream.put([b"drop"])
    lake.settle()
    assert kinds(lake) == ["raw"]


@pytest.mark.parametrize("data", [b"fail", b"drop", b"one"])
def test_raw_copy_is_kept_whatever_the_outcome(world: MakeWorld, data: bytes) -> None:
    lake = world(failing)
    lake.stream.put([data])
    lake.settle()
    assert lake.content("raw") == data


def test_broken_function_fails_the_batch_after_four_attempts(world: MakeWorld) -> None:
    def broken(event: dict[str, Any]) -> bytes:
        raise InvocationError.function_error()

    lake = world(broken)
    lake.stream.put([b"one", b"two"])
    lake.settle()
    assert [document["attemptsMade"] for document in lake.documents()] == [4, 4]
    assert lake.pauses == [0.1, 0.2, 0.4]
    assert lake.content("delivered") == b""


def test_refused_object_is_retried_until_s3_accepts_it(world: MakeWorld) -> None:
    lake = world()
    lake.s3_is_down = True
    lake.stream.put([b"a"])
    lake.pass_seconds(24 * 3600)
    assert lake.stream.waiting == 1
    lake.s3_is_down = False
    lake.pass_seconds(5)
    assert (lake.content("delivered"), lake.content("raw")) == (b"A", b"a")
    assert lake.stream.waiting == 0


def test_refused_object_is_not_transformed_again(world: MakeWorld) -> None:
    lake = world()
    lake.s3_is_down = True
    lake.stream.put([b"a"])
    lake.pass_seconds(600)
    assert len(lake.events) == 1


def test_records_are_gathered_while_s3_refuses_objects(world: MakeWorld) -> None:
    lake = world(ProcessingConfiguration={})
    lake.s3_is_down = True
    for _ in range(100):
        lake.stream.put([b"a"])
        lake.pass_seconds(60)
    lake.s3_is_down = False
    lake.settle()
    assert lake.content("delivered") == b"a" * 100
    assert len(lake.objects) <= 4  # of each kind: the refused object, and one with what was gathered since


def test_deliver_twice_makes_a_second_object_of_the_batch(world: MakeWorld) -> None:
    lake = world()
    lake.twice = True
    lake.stream.put([b"a"])
    lake.settle()
    assert len(lake.events) == 2
    assert lake.content("delivered") == b"AA"
    assert lake.content("raw") == b"a"


def test_record_ids_look_like_those_of_firehose_and_stay_the_same_over_attempts(world: MakeWorld) -> None:
    calls = []

    def flaky(event: dict[str, Any]) -> bytes:
        calls.append(event["records"][0]["recordId"])
        if len(calls) < 3:
            raise InvocationError.function_error()
        return shout(event)

    lake = world(flaky)
    lake.stream.put([b"a"])
    lake.settle()
    assert len(set(calls)) == 1
    assert re.fullmatch(r"\d{56}", calls[0])


def test_flush_delivers_without_waiting(world: MakeWorld) -> None:
    lake = world()
    lake.stream.put([b"a"])
    lake.stream.begin_flush()
    for _ in range(3):  # the processor's buffer, then the object's
        lake.stream.tick()
    assert lake.stream.end_flush(deadline=0.0)
    assert lake.content("delivered") == b"A"


def test_flush_reports_that_it_ran_out_of_time(world: MakeWorld) -> None:
    lake = world()
    lake.s3_is_down = True
    lake.stream.put([b"a"])
    lake.stream.begin_flush()
    lake.stream.tick()
    assert not lake.stream.end_flush(deadline=0.0)


def test_record_is_in_the_journal_from_the_response_until_it_has_landed(world: MakeWorld) -> None:
    lake = world()
    lake.stream.put([b"a"])
    assert [record.data for record in lake.journal.waiting(lake.stream.arn)] == [b"a"]
    lake.pass_seconds(60)
    assert kinds(lake) == ["raw"]  # the line is 10 s behind
    assert [record.data for record in lake.journal.waiting(lake.stream.arn)] == [b"a"]
    lake.pass_seconds(10)
    assert lake.journal.waiting(lake.stream.arn) == []


def test_next_process_delivers_the_records_of_the_journal(world: MakeWorld) -> None:
    lake = world()
    lake.stream.put([b"a", b"b"])
    lake.stream = lake.new_stream(parse_destination(config()))
    lake.stream.resume(lake.journal.waiting(lake.stream.arn))
    lake.settle()
    assert (lake.content("delivered"), lake.content("raw")) == (b"AB", b"ab")
    assert lake.journal.waiting(lake.stream.arn) == []


def test_landed_objects_are_reported_with_their_payloads(world: MakeWorld) -> None:
    lake = world(failing)
    lake.stream.put([b"one", b"two", b"fail"])
    lake.settle()
    payloads = {sealed.kind: sealed.payloads for sealed in lake.landed}
    assert payloads["delivered"] == [b"ONE", b"TWO"]
    assert payloads["raw"] == [b"one", b"two", b"fail"]
    assert len(payloads["failed"]) == 1


STEPS = st.tuples(
    st.lists(st.sampled_from(["one", "fail", "drop"]), max_size=5),  # what is put
    st.booleans(),  # whether S3 is down
    st.booleans(),  # whether the function is
    st.floats(0, 90),  # seconds until the next step
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(STEPS, max_size=6))
def test_every_record_has_one_outcome_whatever_fails_meanwhile(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[list[str], bool, bool, float]]
) -> None:
    def function(event: dict[str, Any]) -> bytes:
        if function_is_down:
            raise InvocationError.throttled()
        return failing(event)

    lake = World(tmp_path_factory.mktemp("law"), function)
    put: list[bytes] = []
    for commands, lake.s3_is_down, broken, seconds in steps:
        function_is_down = broken
        records = [f"{command} {len(put) + at}".encode() for at, command in enumerate(commands)]
        put += records
        lake.stream.put(records)
        lake.pass_seconds(seconds)
    lake.s3_is_down = function_is_down = False
    lake.settle()
    lake.journal.close()
    landed = Counter(payload for sealed in lake.landed if sealed.kind == "raw" for payload in sealed.payloads)
    outcomes = Counter(
        payload.lower() for sealed in lake.landed if sealed.kind == "delivered" for payload in sealed.payloads
    )
    outcomes.update(base64.b64decode(document["rawData"]) for document in lake.documents())
    assert landed == Counter(put)
    assert all(count == 1 for count in outcomes.values())
    assert all(record in outcomes or record.startswith(b"drop") for record in put)


def test_stream_without_its_processor_delivers_the_records_that_waited_for_it(world: MakeWorld) -> None:
    lake = world()
    lake.stream.put([b"a"])
    lake.stream.configure(2, parse_destination(config(ProcessingConfiguration={})))
    lake.stream.put([b"b"])
    lake.settle()
    assert lake.content("delivered") == b"ab"
    assert lake.events == []


def test_source_backup_cannot_be_switched_off(world: MakeWorld) -> None:
    lake = world()
    lake.stream.put([b"a"])
    lake.stream.configure(2, parse_destination(config(S3BackupMode="Disabled")))
    lake.stream.put([b"b"])
    lake.settle()
    assert lake.content("raw") == b"ab"
    assert lake.content("delivered") == b"AB"


def test_object_keeps_its_key_over_all_attempts(world: MakeWorld) -> None:
    lake = world(ProcessingConfiguration={}, S3BackupMode="Disabled")
    keys = []

    def refuse_twice(sealed: Any) -> None:
        keys.append(sealed.key)
        if len(keys) < 3:
            raise OSError("as requested")

    lake.put_object = refuse_twice  # type: ignore[method-assign]
    lake.stream.put([b"a"])
    lake.settle()
    assert len(keys) == 3
    assert len(set(keys)) == 1
