import json
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.enriched_event import RequestFields
from processor.envelope import ReceivedEnvelope
from processor.firehose import MAX_RESPONSE_BYTES
from tests.processor.conftest import StartProcessor
from tests.processor.in_process_catalogue import InProcessCatalogue, Reply, item_reply
from tests.processor.loaded import LoadedProcessor
from tests.processor.records import lines_of, make_click, make_envelope, make_event

DATA = Path("tests/data")


def results_of(results: list[dict[str, Any]]) -> list[str]:
    return [record["result"] for record in results]


def assert_legal(event: dict[str, Any], results: list[dict[str, Any]]) -> None:
    """Check that every recordId comes back once and in order, with a known result, under Lambda's limit."""
    assert [record["recordId"] for record in results] == [record["recordId"] for record in event["records"]]
    for record in results:
        fields = {"recordId", "result"} | ({"data"} if record["result"] == "Ok" else set())
        assert record.keys() == fields
        assert record["result"] in ("Ok", "ProcessingFailed")
    assert len(json.dumps({"records": results})) < MAX_RESPONSE_BYTES


def test_each_envelope_becomes_its_lines(processor: LoadedProcessor) -> None:
    first = make_envelope(make_click(title="1"), make_click(title="2"))
    second = make_envelope(make_click(title="3"))
    assert [line["title"] for line in processor.lines(first, second)] == ["1", "2", "3"]


def test_a_bad_record_fails_alone(processor: LoadedProcessor) -> None:
    event = make_event(make_envelope(make_click()), b"no envelope", make_envelope(make_click()))
    event["records"].insert(1, {"recordId": "no base64", "data": "%"})
    event["records"].insert(2, {"recordId": "no data"})
    results = processor.handle(event)
    assert_legal(event, results)
    assert results_of(results) == ["Ok", *3 * ["ProcessingFailed"], "Ok"]


def test_a_direct_put_as_aws_documents_it(processor: LoadedProcessor) -> None:
    """One record is the workshop's own, the other is not a click."""
    event = json.loads((DATA / "firehose/direct-put.json").read_text())
    results = processor.handle(event)
    assert_legal(event, results)
    assert results_of(results) == ["Ok", "ProcessingFailed"]
    (line,) = lines_of(results[0])
    assert (line["userId"], line["mysfitId"]) == ("guest", "4e53920c-505a-4a90-a694-b9300791f0ae")
    assert line["receivedAt"] == "2026-11-24T03:13:05.680Z"


def test_a_kinesis_source_as_aws_documents_it(processor: LoadedProcessor) -> None:
    event = json.loads((DATA / "firehose/kinesis-source.json").read_text())
    results = processor.handle(event)
    assert_legal(event, results)
    (line,) = lines_of(results[0])
    assert line["receivedAt"] == "2026-11-24T03:13:05.500Z"


def test_a_legacy_click_has_the_same_event_id_on_each_retry(processor: LoadedProcessor) -> None:
    event = json.loads((DATA / "firehose/direct-put.json").read_text())
    first, again = (lines_of(processor.handle(event)[0])[0]["eventId"] for _ in range(2))
    assert first == again


def test_an_empty_batch_gets_an_empty_response(processor: LoadedProcessor) -> None:
    assert processor.handle(make_event()) == []


def fill_event(data: bytes, record_id_digits: int = 62) -> dict[str, Any]:
    """Return the most records with this data that Lambda delivers in one event."""
    event = make_event(data)
    one = len(json.dumps(event["records"][0], separators=(",", ":"))) + 1
    count = (MAX_RESPONSE_BYTES - 300) // one
    encoded = event["records"][0]["data"]
    event["records"] = [
        {
            "recordId": f"{number:0{record_id_digits}d}",
            "approximateArrivalTimestamp": 1_795_489_985_680,
            "data": encoded,
        }
        for number in range(count)
    ]
    assert len(json.dumps(event, separators=(",", ":"))) <= MAX_RESPONSE_BYTES
    return event


SMALLEST_CLICK = {"type": "a", "userId": "g", "eventId": "0e2f7b8a-1f1d-4d3c-9a52-6b7f0a4c1d01"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'{"userId":"g"}',
        make_envelope(
            SMALLEST_CLICK, userAgent=None, visitorId=None, address=None, country=None, sentAt=None
        ),
        make_envelope(*500 * [SMALLEST_CLICK]),
        make_envelope(*500 * [make_click(title=512 * "é")]),
        make_envelope(make_click(title=1_000_000 * "a")),
    ],
    ids=[
        "empty",
        "legacy click",
        "smallest envelope",
        "500 smallest clicks",
        "500 titles",
        "largest record",
    ],
)
def test_the_largest_event_gets_a_legal_response(processor: LoadedProcessor, data: bytes) -> None:
    event = fill_event(data)
    results = processor.handle(event)
    assert_legal(event, results)
    clicks = max(data.count(b'"eventId"'), 1)
    for record in results:
        assert record["result"] == "ProcessingFailed" or len(lines_of(record)) == clicks


def test_only_records_that_no_longer_fit_fail(processor: LoadedProcessor) -> None:
    big = make_envelope(*[make_click(title=512 * "é", eventId=str(number)) for number in range(500)])
    event = make_event(*10 * [big], make_envelope(make_click()))
    results = processor.handle(event)
    assert_legal(event, results)
    outcomes = results_of(results)
    fitting = outcomes.index("ProcessingFailed")
    assert 0 < fitting < 10
    assert outcomes == fitting * ["Ok"] + (10 - fitting) * ["ProcessingFailed"] + ["Ok"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
click_like = st.dictionaries(
    st.sampled_from(
        ["type", "userId", "mysfitId", "eventId", "url", "referrer", "element", "properties", "bot"]
    ),
    st.text() | json_values,
)
good_clicks = st.lists(
    st.builds(
        make_click,
        st.none() | st.text(),
        url=st.text() | st.text().map("https://shop.example/{}".format),
        referrer=st.text() | st.text().map("https://{}".format),
        properties=st.dictionaries(st.text(), st.text(), max_size=2),
    ),
    min_size=1,
    max_size=4,
)
heads = st.fixed_dictionaries(
    {},
    optional={
        "v": st.sampled_from([1, 2, "1", None]),
        "userAgent": st.none() | st.text(),
        "receivedAt": st.text(),
        "sentAt": st.none() | st.text(),
    },
)
records = st.one_of(
    st.binary(),
    json_values.map(lambda value: json.dumps(value).encode()),
    click_like.map(lambda click: json.dumps(click).encode()),
    st.lists(click_like, max_size=3).map(lambda clicks: make_envelope(*clicks)),
    st.builds(lambda clicks, head: make_envelope(*clicks, **head), good_clicks, heads),
)


@settings(max_examples=50)
@given(st.lists(records, max_size=6))
def test_every_record_gets_one_result_whatever_its_data(
    processor: LoadedProcessor, data: list[bytes]
) -> None:
    event = make_event(*data)
    results = processor.handle(event)
    assert_legal(event, results)
    for record, given_data in zip(results, data, strict=True):
        if record["result"] == "Ok":
            value = msgspec.json.decode(given_data)
            assert len(lines_of(record)) == (len(value["clicks"]) if "v" in value else 1)


@settings(max_examples=50)
@given(good_clicks)
def test_a_valid_envelope_is_never_refused_and_its_clicks_never_change(
    processor: LoadedProcessor, clicks: list[dict[str, Any]]
) -> None:
    for line, click in zip(processor.lines(make_envelope(*clicks)), clicks, strict=True):
        assert {name: line.get(name) for name in click} == click


@settings(max_examples=50)
@given(st.lists(st.text(), max_size=5))
def test_any_record_id_comes_back(processor: LoadedProcessor, record_ids: list[str]) -> None:
    event = make_event(*[make_envelope(make_click())] * len(record_ids))
    for record, record_id in zip(event["records"], record_ids, strict=True):
        record["recordId"] = record_id
    assert_legal(event, processor.handle(event))


def test_items_are_looked_up_once_for_the_whole_batch(
    start_processor: StartProcessor, catalogue: InProcessCatalogue
) -> None:
    clicks = [make_click(item) for item in ("evangeline", "pauly", "evangeline")]
    lines = start_processor().lines(
        make_envelope(*clicks), make_envelope(*clicks), b'{"mysfitId": "pauly"}', b'{"itemId": "pauly"}'
    )
    assert [line["species"] for line in lines] == 8 * ["Chimera"]
    assert sorted(catalogue.calls.values()) == [1, 1]


def test_the_catalogue_gets_a_third_of_the_remaining_time(
    start_processor: StartProcessor, catalogue: InProcessCatalogue
) -> None:
    is_over = Event()

    def hang(item_id: str) -> Reply:
        is_over.wait()
        return item_reply()

    catalogue.reply = hang
    processor = start_processor()
    try:
        (line,) = processor.lines(make_envelope(make_click()), seconds=0.15)
    finally:
        is_over.set()
    assert line["itemLookup"] == "unavailable"


@pytest.mark.parametrize(
    ("item", "item_lookup"),
    [("evangeline", "found"), ("nobody", "not_found"), ("broken", "unavailable"), (None, "none")],
)
def test_a_line_says_how_the_lookup_of_its_item_ended(
    start_processor: StartProcessor, catalogue: InProcessCatalogue, item: str | None, item_lookup: str
) -> None:
    replies = {"nobody": Reply(404), "broken": Reply(500)}
    catalogue.reply = lambda item_id: replies.get(item_id, item_reply())
    (line,) = start_processor().lines(make_envelope(make_click(item)))
    assert line["itemLookup"] == item_lookup


def test_a_deployment_chooses_its_own_names(
    start_processor: StartProcessor, catalogue: InProcessCatalogue
) -> None:
    catalogue.reply = lambda item_id: item_reply({"price": 9.5, "goodevil": "Evil"})
    processor = start_processor(ITEM_ID_FIELD="productId", CATALOGUE_ATTRIBUTES="price,colour")
    for field in ("productId", "itemId"):
        (line,) = processor.lines(make_envelope(make_click(None, **{field: "p-1"})))
        assert (line["productId"], line["price"]) == ("p-1", "9.5")
        assert not line.keys() & {"itemId", "colour", "goodevil"}


def test_a_bug_in_one_record_fails_that_record_alone(
    start_processor: StartProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor = start_processor()
    to_lines = processor.module.to_lines

    def break_down(envelope: ReceivedEnvelope, request: RequestFields) -> bytes:
        if envelope.country == "XX":
            raise ZeroDivisionError("a bug")
        data: bytes = to_lines(envelope, request)
        return data

    monkeypatch.setattr(processor.module, "to_lines", break_down)
    event = make_event(make_envelope(make_click(), country="XX"), make_envelope(make_click()))
    assert results_of(processor.handle(event)) == ["ProcessingFailed", "Ok"]


def test_a_wrong_setting_stops_the_start(start_processor: StartProcessor) -> None:
    with pytest.raises(ValueError, match="CATALOGUE_URL"):
        start_processor(CATALOGUE_URL="shop.example")
