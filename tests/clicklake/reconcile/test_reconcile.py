"""`reconcile` finds what is missing, by its id, and counts the rest so that it adds up."""

import base64
import gc
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from clicklake.lake.bucket import Lake
from clicklake.lake.object_stream import UnreadableObjectError
from clicklake.lake.partitions import Span
from clicklake.reconcile import cloudwatch
from clicklake.reconcile.hour_window import reconcile_span
from tests.support.emulator import Emulator
from tests.support.lakes import (
    NOON,
    NOW,
    Commands,
    TestLake,
    bare_line,
    click,
    compact,
    document,
    envelope,
    line,
    new_id,
    new_lake,
)

HOUR = timedelta(hours=1)
SPAN = ("--from", f"{NOON - HOUR:%Y-%m-%dT%H:%M}", "--to", f"{NOON + 7 * HOUR:%Y-%m-%dT%H:%M}")


def test_an_empty_lake_balances(clicklake: Commands) -> None:
    found = clicklake.json("reconcile", *SPAN)
    assert (found["accepted"], found["missing"], found["unreadable"]) == (0, 0, [])


def test_a_line_that_is_taken_away_is_named(clicklake: Commands, lake: TestLake) -> None:
    ids = [new_id() for _ in range(100)]
    raw = lake.put("raw", [envelope([click(each) for each in ids])])
    lake.put("clicks", [line(each) for each in ids if each != ids[41]])
    found = clicklake.json("reconcile", *SPAN, code=1)
    assert (found["accepted"], found["delivered"], found["missing"]) == (100, 99, 1)
    (missing,) = found["missingClicks"]
    assert missing == {"eventId": ids[41], "receivedAt": missing["receivedAt"], "raw": raw}
    assert f"missing: {ids[41]}" in clicklake("reconcile", *SPAN, code=1).stdout


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_a_click_may_land_in_the_folder_of_the_hour_beside(
    clicklake: Commands, lake: TestLake, offset: int
) -> None:
    event_id = new_id()
    lake.put("raw", [envelope([click(event_id)])])
    lake.put("clicks", [line(event_id)], at=NOON + offset * HOUR)
    assert clicklake.json("reconcile", *SPAN)["delivered"] == 1


def test_a_date_means_all_of_its_day(clicklake: Commands, lake: TestLake) -> None:
    midnight = NOON.replace(hour=0)
    for at in (midnight - HOUR, midnight, midnight + 23 * HOUR, midnight + 24 * HOUR):
        lake.put("raw", [envelope([click(event_id := new_id())], at)], at=at)
        lake.put("clicks", [line(event_id, at)], at=at)
    assert (
        clicklake.json("reconcile", "--from", f"{NOON:%Y-%m-%d}", "--to", f"{NOON:%Y-%m-%d}")["accepted"] == 2
    )


def test_the_edges_of_the_range_look_over_them(clicklake: Commands, lake: TestLake) -> None:
    event_ids = [new_id() for _ in range(3)]
    for event_id, raw_offset, clicks_offset in zip(event_ids, (0, 0, -1), (-1, 1, 0), strict=True):
        lake.put("raw", [envelope([click(event_id)])], at=NOON + raw_offset * HOUR)
        lake.put("clicks", [line(event_id)], at=NOON + clicks_offset * HOUR)
    hour = ("--from", f"{NOON:%Y-%m-%dT%H:%M}", "--to", f"{NOON + HOUR:%Y-%m-%dT%H:%M}")
    found = clicklake.json("reconcile", *hour)
    assert (found["accepted"], found["delivered"]) == (2, 2)


def test_what_failed_is_counted_by_its_reason_and_state(clicklake: Commands, lake: TestLake) -> None:
    ids = {state: [new_id() for _ in range(number)] for state, number in (("failed", 3), ("parked", 2))}
    ids["replayed"] = [new_id()]
    for state, of_state in ids.items():
        record = envelope([click(each) for each in of_state])
        lake.put("raw", [record])
        folder = "failed" if state == "failed" else f"{state}/failed"
        lake.put(folder, [document(record, code="Lambda.FunctionError")])
    found = clicklake.json("reconcile", *SPAN)
    assert found["accepted"] == 6
    assert found["failed"] == {"Lambda.FunctionError": 3}
    assert found["parked"] == {"Lambda.FunctionError": 2}
    assert found["movedByReplay"] == {"Lambda.FunctionError": 1}
    assert "failed" in clicklake("reconcile", *SPAN).stdout


def test_error_documents_under_names_of_someones_own_are_found_by_their_time(
    clicklake: Commands, lake: TestLake
) -> None:
    record = envelope([click()])
    lake.put("raw", [record])
    lake.put("failed", [document(record)], name="copied-by-hand")
    assert clicklake.json("reconcile", *SPAN)["failed"] == {"Lambda.FunctionError": 1}


@pytest.mark.parametrize(
    ("age", "outcome"), [(timedelta(hours=24.5), "inFlight"), (timedelta(hours=25.6), "missing")]
)
def test_what_is_younger_than_25_hours_may_still_land(
    clicklake: Commands, lake: TestLake, age: timedelta, outcome: str
) -> None:
    at = NOW - age
    lake.put("raw", [envelope([click()], at)], at=at)
    found = clicklake.json("reconcile", "--from", f"{at:%Y-%m-%d}", code=int(outcome == "missing"))
    assert {state: found[state] for state in ("inFlight", "missing")} == {"inFlight": 0, "missing": 0} | {
        outcome: 1
    }


def test_lines_beyond_an_ids_first_are_duplicates_also_over_the_hour(
    clicklake: Commands, lake: TestLake
) -> None:
    twice, once = new_id(), new_id()
    lake.put("raw", [envelope([click(twice), click(once)])])
    lake.put("clicks", [line(twice), line(twice), line(once)])
    lake.put("clicks", [line(twice)], at=NOON + HOUR)
    found = clicklake.json("reconcile", *SPAN)
    assert (found["accepted"], found["delivered"], found["duplicates"]) == (2, 2, 2)


def test_a_click_that_was_sent_again_is_accepted_once(clicklake: Commands, lake: TestLake) -> None:
    event_id = new_id()
    lake.put("raw", [envelope([click(event_id)]), envelope([click(event_id)])])
    lake.put("raw", [envelope([click(event_id)])], at=NOON + HOUR)
    lake.put("clicks", [line(event_id)])
    found = clicklake.json("reconcile", *SPAN)
    assert (found["accepted"], found["clientRetries"], found["delivered"]) == (1, 2, 1)


def test_what_was_put_back_is_accepted_once_and_must_land_too(clicklake: Commands, lake: TestLake) -> None:
    landed, lost = new_id(), new_id()
    first = [envelope([click(each)]) for each in (landed, lost)]
    lake.put("raw", first)
    lake.put("replayed/failed", [document(record) for record in first])
    lake.put(
        "raw", [envelope([click(landed)], replays=1), envelope([click(lost)], replays=1)], at=NOON + 5 * HOUR
    )
    lake.put("clicks", [line(landed)], at=NOON + 5 * HOUR)
    found = clicklake.json("reconcile", *SPAN, code=1)
    assert (found["accepted"], found["movedByReplay"]) == (2, {"Lambda.FunctionError": 2})
    assert found["replayed"]["clicks"] == 2
    assert (found["replayed"]["delivered"], found["replayed"]["missing"]) == (1, 1)
    assert [each["eventId"] for each in found["missingClicks"]] == [lost]


def test_bare_clicks_are_counted_not_named(clicklake: Commands, lake: TestLake) -> None:
    bare = compact({"userId": "guest", "mysfitId": "m"})
    lake.put("raw", [bare, bare, envelope([click(event_id := new_id())]), bare])
    lake.put("clicks", [bare_line(new_id()) for _ in range(3)] + [line(event_id)])
    found = clicklake.json("reconcile", *SPAN)
    assert (found["accepted"], found["delivered"]) == (1, 1)
    assert {place: found["withoutId"][place] for place in ("raw", "clicks")} == {"raw": 3, "clicks": 3}


def test_an_envelope_behind_garbage_is_accepted(clicklake: Commands, lake: TestLake) -> None:
    lake.put("raw", [b"\x00garbage", envelope([click(event_id := new_id())])])
    found = clicklake.json("reconcile", *SPAN, code=1)
    assert [each["eventId"] for each in found["missingClicks"]] == [event_id]
    lake.put("clicks", [line(event_id)])
    assert clicklake.json("reconcile", *SPAN)["delivered"] == 1


def test_an_object_that_cannot_be_read_is_named_and_the_rest_is_counted(
    clicklake: Commands, lake: TestLake
) -> None:
    lake.put("raw", [envelope([click(event_id := new_id())])])
    broken = lake.put_broken(lake.put("clicks", [line(event_id)]))
    found = clicklake.json("reconcile", *SPAN, code=1)
    assert (found["unreadable"], found["delivered"]) == ([broken], 1)


def test_what_is_not_there_is_missing_at_once_when_nothing_shall_be_waited_for(
    clicklake: Commands, lake: TestLake
) -> None:
    lake.put("raw", [envelope([click()], NOW)], at=NOW)
    assert clicklake.json("reconcile")["inFlight"] == 1
    assert clicklake.json("reconcile", "--no-wait", code=1)["missing"] == 1


def test_what_is_missing_can_be_filed_as_failed_for_a_replay(clicklake: Commands, lake: TestLake) -> None:
    lost, landed = [new_id() for _ in range(3)], new_id()
    lake.put("raw", [envelope([click(lost[0]), click(landed)]), b"garbage", envelope([click(lost[1])])])
    lake.put("raw", [envelope([click(lost[2])], NOON + HOUR)], at=NOON + HOUR)
    lake.put("clicks", [line(landed)])
    clicklake("reconcile", "--recover", *SPAN, code=1)
    found = clicklake.json("reconcile", "--recover", *SPAN)
    assert (found["delivered"], found["failed"]) == (1, {"Clicklake.Missing": 3})
    documents = [json.loads(each) for each in lake.lines("failed/missing/")]
    envelopes = [json.loads(base64.b64decode(each["rawData"])) for each in documents]
    assert sorted(each["clicks"][0]["eventId"] for each in envelopes) == sorted(lost)
    assert {len(each["clicks"]) for each in envelopes} == {1}


def test_cloudwatchs_counts_stand_beside_where_they_exist(emulator: Emulator, clicklake: Commands) -> None:
    outputs = {"StreamName": "clicklake-dev", "ProcessorFunctionName": "clicklake-processor-dev"}
    lake = Lake("any", outputs, emulator.client("s3"))
    for value, hours_ago in ((5, 1), (7, 2), (100, 30)):
        emulator.client("cloudwatch").put_metric_data(
            Namespace="Clicklake",
            MetricData=[
                {
                    "MetricName": "Clicks",
                    "Dimensions": [{"Name": "FunctionName", "Value": "clicklake-processor-dev"}],
                    "Timestamp": NOW - hours_ago * HOUR,
                    "Value": value,
                }
            ],
        )
    assert cloudwatch.count(lake, Span(NOW - 4 * HOUR, NOW)) == {"clicks enriched": 12}
    assert cloudwatch.count(Lake("any", {}, lake.s3), Span(NOW - 4 * HOUR, NOW)) == {}


def test_hostile_ids_reach_the_terminal_as_text(clicklake: Commands, lake: TestLake) -> None:
    hostile = "\x1b[2J\n\u202eevil</script>"
    lake.put("raw", [envelope([click(hostile)])])
    shown = clicklake("reconcile", *SPAN, code=1).stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert r"\x1b[2J\x0a\u202eevil</script>" in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--from", "yesterday"], "is not a date or time"),
        (["--from", "2026-11-02", "--to", "2026-11-01"], "is not before"),
    ],
)
def test_a_range_that_is_none_is_refused(clicklake: Commands, arguments: list[str], says: str) -> None:
    assert says in clicklake("reconcile", *arguments, code=2).output


def test_a_bucket_that_is_not_there_is_said(clicklake: Commands) -> None:
    clicklake.bucket = "no-such-bucket"
    assert "there is no bucket no-such-bucket" in clicklake("reconcile", code=2).output


FATES = ("delivered", "twice", "failed", "parked", "replayed", "missing")


@given(st.lists(st.tuples(st.sampled_from(FATES), st.integers(-1, 1)), min_size=1, max_size=40))
@settings(max_examples=15)
def test_every_accepted_click_has_one_outcome_and_they_add_up(
    emulator: Emulator, aws_env: dict[str, str], fates: list[tuple[str, int]]
) -> None:
    lake = new_lake(emulator)
    ids = [new_id() for _ in fates]
    lake.put("raw", [envelope([click(each)]) for each in ids])
    for offset in (-1, 0, 1):
        of_offset = [(each, fate) for each, (fate, at) in zip(ids, fates, strict=True) if at == offset]
        landed = [line(each) for each, fate in of_offset if fate in ("delivered", "twice")]
        lake.put(
            "clicks",
            landed + [line(each) for each, fate in of_offset if fate == "twice"],
            NOON + offset * HOUR,
        )
        for state, folder in (
            ("failed", "failed"),
            ("parked", "parked/failed"),
            ("replayed", "replayed/failed"),
        ):
            documents = [document(envelope([click(each)])) for each, fate in of_offset if fate == state]
            lake.put(folder, documents, NOON + offset * HOUR)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws_env.items():
            patch.setenv(name, value)
        expected = Counter(fate for fate, _ in fates)
        found = Commands(lake.bucket).json("reconcile", *SPAN, code=int(expected["missing"] > 0))
    assert found["accepted"] == len(ids) == sum_of(found)
    assert found["delivered"] == expected["delivered"] + expected["twice"]
    assert found["duplicates"] == expected["twice"]
    for state, fate in (("failed", "failed"), ("parked", "parked"), ("movedByReplay", "replayed")):
        assert sum(found[state].values()) == expected[fate]
    named = {each["eventId"] for each in found["missingClicks"]}
    assert named == {each for each, (fate, _) in zip(ids, fates, strict=True) if fate == "missing"}


def sum_of(found: dict[str, Any]) -> int:
    states = ("failed", "parked", "movedByReplay")
    by_code = sum(number for state in states for number in found[state].values())
    return int(found["delivered"] + by_code + found["inFlight"] + found["missing"])


def test_nothing_in_an_object_that_breaks_off_counts_as_delivered_and_all_of_it_comes_back(
    clicklake: Commands, lake: TestLake
) -> None:
    ids = [new_id() for _ in range(2000)]
    lake.put(
        "raw", [envelope([click(each) for each in ids[start : start + 500]]) for start in range(0, 2000, 500)]
    )
    key = lake.put("clicks", [line(each) for each in ids])
    packed = lake.s3.get_object(Bucket=lake.bucket, Key=key)["Body"].read()
    lake.s3.put_object(Bucket=lake.bucket, Key=key, Body=packed[: len(packed) * 9 // 10])
    found = clicklake.json("reconcile", *SPAN, "--recover", code=1)
    assert (found["accepted"], found["delivered"], found["missing"]) == (2000, 0, 2000)
    assert found["unreadable"] == [key]
    documents = lake.lines("failed/missing")
    recovered = [
        each
        for doc in documents
        for each in json.loads(base64.b64decode(json.loads(doc)["rawData"]))["clicks"]
    ]
    assert len(recovered) == 2000


def test_an_archived_object_is_named_and_the_rest_is_counted(
    clicklake: Commands, lake: TestLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [new_id(), new_id()]
    lake.put("raw", [envelope([click(each) for each in ids])])
    lake.put("clicks", [line(ids[0])])
    archived = lake.put("clicks", [line(ids[1])])
    read_raw = Lake.read_raw

    def refusing(self: Lake, key: str, version: str | None = None) -> Iterator[bytes]:
        if key == archived:
            raise UnreadableObjectError("it is archived (S3 Glacier); restore it first")
        return read_raw(self, key, version)

    monkeypatch.setattr(Lake, "read_raw", refusing)
    found = clicklake.json("reconcile", *SPAN, code=1)
    assert (found["delivered"], found["missing"], found["unreadable"]) == (1, 1, [archived])


@pytest.mark.parametrize("name", ["h-2026-99-99-99-00-00-", "clicklake-dev-1-2026-13-01-00-00-00-"])
@pytest.mark.parametrize("timestamp", [10**18, -(10**18), 10**30, 0])
def test_an_impossible_time_in_failed_stops_nothing(
    clicklake: Commands, lake: TestLake, name: str, timestamp: int
) -> None:
    event_id = new_id()
    lake.put("raw", [envelope([click(event_id)])])
    document_with_time = json.loads(document(envelope([click(event_id)]))) | {"arrivalTimestamp": timestamp}
    lake.put("failed", [json.dumps(document_with_time).encode() + b"\n"], name=f"{name}{new_id()}")
    clicklake("reconcile", *SPAN, code=1)  # it is filed under another hour, so it counts as missing here
    clicklake("replay", "--dry-run", "--from", "2026-01-01")


def open_temporary_files() -> int:
    return sum(type(each) is io.BufferedRandom and not each.closed for each in gc.get_objects())


@pytest.mark.parametrize("refused", ["raw/", "clicks/", "failed/"])
def test_a_run_that_may_not_read_a_folder_leaves_no_file_open(lake: TestLake, refused: str) -> None:
    """Such as `status` without s3:GetObject: an hour's ids are in temporary files."""

    def refuse(request: Any, **_: Any) -> None:
        if request.method == "GET" and f"/{refused}" in request.url:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")

    for folder, record in (
        ("raw", envelope([click()])),
        ("clicks", line(new_id())),
        ("failed", document(b"{}")),
    ):
        lake.put(folder, [record])
    before = open_temporary_files()
    events = lake.s3.meta.events
    events.register("before-send.s3", refuse, unique_id="refuse")
    try:
        # The traceback keeps every local variable alive, so only what was closed is closed.
        with pytest.raises(ClientError) as raised:
            reconcile_span(Lake(lake.bucket, {}, lake.s3), Span(NOON, NOON + HOUR), NOON, lambda: None)
    finally:
        events.unregister("before-send.s3", unique_id="refuse")
    assert raised.tb
    assert open_temporary_files() == before
