"""`replay` puts back what failed, counts it, parks what must not go round, and can be killed anywhere."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicklake.replay.triage import MAX_REPLAYS, triage, triage_parked
from tests.support.emulator import Emulator, settled
from tests.support.killing import kill_often
from tests.support.lakes import Commands, TestLake, click, compact, document, envelope, new_id, new_lake

BARE = compact({"userId": "guest", "mysfitId": "m"})


@pytest.fixture
def stream(emulator: Emulator, lake: TestLake) -> "Stream":
    """One without a processor: what is put on it is what lands in its own bucket."""
    return Stream.create(emulator)


class Stream:
    @classmethod
    def create(cls, emulator: Emulator) -> "Stream":
        landing = new_lake(emulator)
        destination = {
            "RoleARN": "arn:aws:iam::000000000000:role/stream",
            "BucketARN": f"arn:aws:s3:::{landing.bucket}",
            "Prefix": "raw/",
        }
        emulator.client("firehose").create_delivery_stream(
            DeliveryStreamName=landing.bucket, ExtendedS3DestinationConfiguration=destination
        )
        return cls(landing, emulator)

    def __init__(self, landing: TestLake, emulator: Emulator) -> None:
        self.name = landing.bucket
        self._emulator = emulator
        self._lake = landing

    def records(self) -> list[dict[str, Any]]:
        settled(self._emulator)
        return [json.loads(each) for each in self._lake.lines("raw/")]


def ids_of(records: list[dict[str, Any]]) -> Counter[str]:
    return Counter(click["eventId"] for record in records for click in record["clicks"])


# What becomes of a record.


def test_an_envelope_goes_back_as_it_was_but_for_its_count() -> None:
    record = envelope([click(title='é 😀 "quoted" \\u0041')], userAgent="Mozilla/5.0")
    verdict = triage(record)
    assert verdict.records == [record.replace(b'"replays":0', b'"replays":1')]
    assert not verdict.parks


def test_an_envelope_without_a_count_gets_one() -> None:
    record = envelope([click()]).replace(b'"replays":0,', b"")
    (put,) = triage(record).records
    assert json.loads(put)["replays"] == 1


@pytest.mark.parametrize("replays", range(MAX_REPLAYS + 2))
def test_five_replays_are_enough(replays: int) -> None:
    verdict = triage(envelope([click()], replays=replays))
    assert bool(verdict.records) is (replays < MAX_REPLAYS)
    assert verdict.parks is (replays >= MAX_REPLAYS)


@pytest.mark.parametrize(
    "garbage", [b"\x00\xff", b"{", b'{"v":1,"clicks":', b"not JSON\n", b"[]", b"}{", b'{"v":2}']
)
def test_an_envelope_behind_garbage_is_mended(garbage: bytes) -> None:
    record = envelope([click()])
    verdict = triage(garbage + record)
    assert verdict.records == [record.replace(b'"replays":0', b'"replays":1')]
    assert not verdict.parks


@pytest.mark.parametrize("record", [b"", b"\n", b"garbage", b'{"v":1,"clicks":[]}', BARE, BARE + BARE, None])
def test_what_holds_no_envelope_is_parked(record: bytes | None) -> None:
    assert triage(record) == ([], True)


def test_a_bare_click_beside_an_envelope_is_parked_and_the_envelope_goes_back() -> None:
    verdict = triage(BARE + envelope([click()]))
    assert len(verdict.records) == 1
    assert verdict.parks


def test_an_envelope_inside_a_click_is_a_strangers_text() -> None:
    inner = {"v": 1, "receivedAt": "x", "clicks": [{"eventId": "forged"}]}
    assert triage(compact({"userId": "guest", "properties": inner})) == ([], True)


@given(st.binary(max_size=200))
def test_every_record_goes_somewhere(record: bytes) -> None:
    assert any(triage(record))
    assert not triage_parked(record).parks


@given(
    st.lists(st.text(st.characters(codec="utf-8"), max_size=20), min_size=1, max_size=5),
    st.integers(0, MAX_REPLAYS - 1),
)
def test_clicks_go_back_byte_for_byte(titles: list[str], replays: int) -> None:
    record = envelope([click(title=title) for title in titles], replays=replays)
    (put,) = triage(record).records
    before, after = (each.split(b'"clicks":', 1)[1] for each in (record, put))
    assert before == after


# What becomes of the lake.


def test_what_failed_is_back_on_the_stream_and_moved(
    clicklake: Commands, lake: TestLake, stream: "Stream"
) -> None:
    ids = [new_id() for _ in range(3)]
    documents = [document(envelope([click(each)])) for each in ids]
    key = lake.put("failed", documents)
    replayed = clicklake.json("replay", "--stream", stream.name)["byErrorCode"]
    assert replayed == {"Lambda.FunctionError": {"replayed": 3, "records": 3, "parked": 0}}
    records = stream.records()
    assert ids_of(records) == Counter(ids)
    assert {record["replays"] for record in records} == {1}
    assert lake.keys("failed/") == []
    assert lake.keys("replayed/") == [f"replayed/{key}"]
    assert lake.body(f"replayed/{key}") == b"".join(documents)


def test_a_second_run_does_nothing(clicklake: Commands, lake: TestLake, stream: "Stream") -> None:
    lake.put("failed", [document(envelope([click()])), document(BARE)])
    clicklake("replay", "--stream", stream.name)
    assert "nothing to replay" in clicklake("replay", "--stream", stream.name).stdout
    assert len(stream.records()) == 1


def test_garbage_and_what_failed_too_often_is_parked(
    clicklake: Commands, lake: TestLake, stream: "Stream"
) -> None:
    documents = [document(each) for each in (b"garbage", BARE, envelope([click()], replays=5))] + [
        b"no document\n"
    ]
    key = lake.put("failed", documents)
    clicklake("replay", "--stream", stream.name)
    assert lake.body(f"parked/{key}") == b"".join(documents)
    assert lake.keys("failed/") + lake.keys("replayed/") == []
    assert stream.records() == []


def test_what_was_parked_goes_back_when_told(clicklake: Commands, lake: TestLake, stream: "Stream") -> None:
    key = lake.put(
        "parked/failed", [document(BARE), b"no document\n", document(envelope([click()], replays=5))]
    )
    clicklake("replay", "--parked", "--stream", stream.name)
    records = stream.records()
    assert sorted(record.get("replays", "bare") for record in records if "v" in record) == [6]
    assert [record for record in records if "v" not in record] == [json.loads(BARE)]
    assert lake.body(key) == b"no document\n"


def test_a_dry_run_counts_and_changes_nothing(clicklake: Commands, lake: TestLake, stream: "Stream") -> None:
    key = lake.put("failed", [document(envelope([click()])), document(b"garbage")])
    counted = clicklake.json("replay", "--dry-run", "--stream", stream.name)
    assert counted["byErrorCode"] == {"Lambda.FunctionError": {"replayed": 1, "records": 1, "parked": 1}}
    assert lake.keys() == [key]
    assert stream.records() == []


def test_what_is_not_of_the_type_or_the_time_stays(
    clicklake: Commands, lake: TestLake, stream: "Stream"
) -> None:
    wanted, other = (document(envelope([click()]), code=code) for code in ("Lambda.A", "Lambda.B"))
    key = lake.put("failed", [wanted, other])
    clicklake("replay", "--type", "Lambda.A", "--from", "2999-01-01", "--stream", stream.name)
    clicklake("replay", "--type", "no-such-type", "--stream", stream.name)
    assert lake.body(key) == wanted + other
    clicklake("replay", "--type", "Lambda.A", "--stream", stream.name)
    assert lake.body(key) == other
    clicklake("replay", "--type", "processing-failed", "--stream", stream.name)
    assert lake.body(f"replayed/{key}") == wanted + other


def test_records_that_the_stream_refuses_are_put_again(
    clicklake: Commands, lake: TestLake, stream: "Stream", emulator: Emulator
) -> None:
    ids = [new_id() for _ in range(50)]
    lake.put("failed", [document(envelope([click(each)])) for each in ids])
    emulator.post("/faults", {"failEvery": 3})
    clicklake("replay", "--stream", stream.name)
    emulator.post("/faults", {})
    assert ids_of(stream.records()) == Counter(ids)


def test_more_than_a_batch_holds_goes_back_in_several(
    clicklake: Commands, lake: TestLake, stream: "Stream"
) -> None:
    ids = [new_id() for _ in range(1100)]
    lake.put("failed", [document(envelope([click(each)])) for each in ids])
    clicklake("replay", "--stream", stream.name)
    assert ids_of(stream.records()) == Counter(ids)


def test_an_object_that_cannot_be_read_is_named_and_left(
    clicklake: Commands, lake: TestLake, stream: "Stream"
) -> None:
    broken = lake.put_broken(lake.put("failed", [document(envelope([click()]))]))
    assert clicklake.json("replay", "--stream", stream.name, code=1)["unreadable"] == [broken]
    assert lake.keys("failed/") == [broken]
    assert len(stream.records()) == 1


def test_a_bucket_alone_does_not_say_which_stream(clicklake: Commands) -> None:
    assert "--stream" in clicklake("replay", code=2).output


@pytest.mark.parametrize("kills", [4, pytest.param(50, marks=pytest.mark.long)])
def test_killed_anywhere_nothing_is_lost_and_only_the_object_in_hand_doubles(
    clicklake: Commands, lake: TestLake, stream: "Stream", aws_env: dict[str, str], kills: int
) -> None:
    in_an_object, objects = 3, 2 * kills
    documents: list[bytes] = []
    for _ in range(objects):
        of_object = [document(envelope([click()])) for _ in range(in_an_object)] + [
            document(BARE, code=new_id())
        ]
        lake.put("failed", of_object)
        documents += of_object
    arguments = ["replay", "--bucket", lake.bucket, "--stream", stream.name]
    kill_often(arguments, aws_env, kills, requests=14, seed=kills)
    clicklake(*(each for each in arguments if each not in ("--bucket", lake.bucket)))
    put = ids_of(stream.records())
    assert len(put) == objects * in_an_object
    assert put.total() - len(put) <= kills * in_an_object
    assert lake.keys("failed/") == []
    kept = lake.lines("replayed/") + lake.lines("parked/")
    assert sorted(kept) == sorted(documents)
