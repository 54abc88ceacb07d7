import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processor.firehose import MAX_ANSWER_BYTES
from tests.processor.catalogue_server import CatalogueServer, Visit
from tests.processor.conftest import StartProcessor
from tests.processor.records import lines_of, make_click, make_envelope, make_event
from tests.processor.started import Processor

DATA = Path("tests/data")


def results_of(answered: list[dict[str, Any]]) -> list[str]:
    return [record["result"] for record in answered]


def assert_legal(event: dict[str, Any], answered: list[dict[str, Any]]) -> None:
    """Every recordId once and in order, a known result, data where it must be, and under Lambda's limit."""
    assert [record["recordId"] for record in answered] == [record["recordId"] for record in event["records"]]
    for record in answered:
        fields = {"recordId", "result"} | ({"data"} if record["result"] == "Ok" else set())
        assert record.keys() == fields
        assert record["result"] in ("Ok", "ProcessingFailed")
    assert len(json.dumps({"records": answered})) < MAX_ANSWER_BYTES


def test_each_envelope_comes_back_as_its_lines(processor: Processor) -> None:
    first = make_envelope(make_click(title="1"), make_click(title="2"))
    second = make_envelope(make_click(title="3"))
    assert [line["title"] for line in processor.lines(first, second)] == ["1", "2", "3"]


def test_a_bad_record_fails_alone(processor: Processor) -> None:
    event = make_event(make_envelope(make_click()), b"no envelope", make_envelope(make_click()))
    event["records"].insert(1, {"recordId": "no base64", "data": "%"})
    event["records"].insert(2, {"recordId": "no data"})
    answered = processor.answer(event)
    assert_legal(event, answered)
    assert results_of(answered) == ["Ok", *3 * ["ProcessingFailed"], "Ok"]


def test_a_direct_put_as_aws_documents_it(processor: Processor) -> None:
    """The workshop's own record, and one that is no click."""
    event = json.loads((DATA / "firehose/direct-put.json").read_text())
    answered = processor.answer(event)
    assert_legal(event, answered)
    assert results_of(answered) == ["Ok", "ProcessingFailed"]
    (line,) = lines_of(answered[0])
    assert (line["userId"], line["mysfitId"]) == ("guest", "4e53920c-505a-4a90-a694-b9300791f0ae")
    assert line["receivedAt"] == "2026-11-24T03:13:05.680Z"


def test_a_kinesis_source_as_aws_documents_it(processor: Processor) -> None:
    event = json.loads((DATA / "firehose/kinesis-source.json").read_text())
    answered = processor.answer(event)
    assert_legal(event, answered)
    (line,) = lines_of(answered[0])
    assert line["receivedAt"] == "2026-11-24T03:13:05.500Z"


def test_a_bare_click_has_the_same_id_on_each_retry(processor: Processor) -> None:
    event = json.loads((DATA / "firehose/direct-put.json").read_text())
    first, again = (lines_of(processor.answer(event)[0])[0]["eventId"] for _ in range(2))
    assert first == again


def test_no_records_are_answered_with_none(processor: Processor) -> None:
    assert processor.answer(make_event()) == []


def test_thousands_of_records_come_back(processor: Processor) -> None:
    event = make_event(*[make_envelope(make_click())] * 4000)
    answered = processor.answer(event)
    assert_legal(event, answered)
    assert results_of(answered) == 4000 * ["Ok"]


def fill_event(data: bytes, record_id_digits: int = 62) -> dict[str, Any]:
    """As many records of this data as Lambda delivers in one event."""
    event = make_event(data)
    one = len(json.dumps(event["records"][0], separators=(",", ":"))) + 1
    count = (MAX_ANSWER_BYTES - 300) // one
    encoded = event["records"][0]["data"]
    event["records"] = [
        {
            "recordId": f"{number:0{record_id_digits}d}",
            "approximateArrivalTimestamp": 1_795_489_985_680,
            "data": encoded,
        }
        for number in range(count)
    ]
    assert len(json.dumps(event, separators=(",", ":"))) <= MAX_ANSWER_BYTES
    return event


SMALLEST_CLICK = {"type": "a", "userId": "g", "eventId": "0e2f7b8a-1f1d-4d3c-9a52-6b7f0a4c1d01"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
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
        "no click",
        "bare",
        "smallest envelope",
        "500 smallest clicks",
        "500 titles",
        "largest record",
    ],
)
def test_the_largest_event_is_answered_legally_and_loses_nothing(processor: Processor, data: bytes) -> None:
    event = fill_event(data)
    answered = processor.answer(event)
    assert_legal(event, answered)
    clicks = max(data.count(b'"eventId"'), 1)
    for record in answered:
        assert record["result"] == "ProcessingFailed" or len(lines_of(record)) == clicks


def test_what_no_longer_fits_fails_and_what_still_fits_does_not(processor: Processor) -> None:
    big = make_envelope(*[make_click(title=512 * "é", eventId=str(number)) for number in range(500)])
    event = make_event(*10 * [big], make_envelope(make_click()))
    answered = processor.answer(event)
    assert_legal(event, answered)
    results = results_of(answered)
    fitting = results.index("ProcessingFailed")
    assert 0 < fitting < 10
    assert results == fitting * ["Ok"] + (10 - fitting) * ["ProcessingFailed"] + ["Ok"]


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


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(records, max_size=6))
def test_whatever_is_on_the_stream_every_record_is_answered_once(
    processor: Processor, data: list[bytes]
) -> None:
    event = make_event(*data)
    answered = processor.answer(event)
    assert_legal(event, answered)
    for record, given_data in zip(answered, data, strict=True):
        if record["result"] == "Ok":
            value = msgspec.json.decode(given_data)
            assert len(lines_of(record)) == (len(value["clicks"]) if "v" in value else 1)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(good_clicks)
def test_a_valid_envelope_is_never_refused_and_its_clicks_are_not_altered(
    processor: Processor, clicks: list[dict[str, Any]]
) -> None:
    for line, click in zip(processor.lines(make_envelope(*clicks)), clicks, strict=True):
        assert {name: line.get(name) for name in click} == click


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(), max_size=5))
def test_any_record_id_comes_back(processor: Processor, record_ids: list[str]) -> None:
    event = make_event(*[make_envelope(make_click())] * len(record_ids))
    for record, record_id in zip(event["records"], record_ids, strict=True):
        record["recordId"] = record_id
    assert_legal(event, processor.answer(event))


def test_items_are_looked_up_once_for_the_whole_batch(
    start_processor: StartProcessor, catalogue: CatalogueServer
) -> None:
    processor = start_processor(CATALOGUE_URL=catalogue.url)
    clicks = [make_click(item) for item in ("evangeline", "pauly", "evangeline")]
    lines = processor.lines(make_envelope(*clicks), make_envelope(*clicks), b'{"mysfitId": "pauly"}')
    assert [line["species"] for line in lines] == 7 * ["Chimera"]
    assert sorted(catalogue.calls.values()) == [1, 1]


def test_the_catalogue_gets_a_third_of_the_functions_time(
    start_processor: StartProcessor, catalogue: CatalogueServer
) -> None:
    catalogue.behaviour = lambda visit: visit.drip(b"HTTP/1.1 200 OK\r\n")
    processor = start_processor(CATALOGUE_URL=catalogue.url)
    (line,) = processor.lines(make_envelope(make_click()), seconds=0.6)
    assert line["enrichment"] == "unavailable"
    assert not catalogue.is_closing.is_set()  # it would have gone on


@pytest.mark.parametrize(
    ("item", "enrichment"),
    [("evangeline", "ok"), ("nobody", "unknown item"), ("broken", "unavailable"), (None, "none")],
)
def test_a_line_says_how_its_item_was_found(
    start_processor: StartProcessor, catalogue: CatalogueServer, item: str | None, enrichment: str
) -> None:
    def answer(visit: Visit) -> None:
        known = {"nobody": lambda: visit.answer(404), "broken": lambda: visit.answer(500)}
        known.get(visit.item_id, visit.answer_item)()

    catalogue.behaviour = answer
    processor = start_processor(CATALOGUE_URL=catalogue.url)
    assert [line["enrichment"] for line in processor.lines(make_envelope(make_click(item)))] == [enrichment]


def test_a_deployment_has_its_own_words(start_processor: StartProcessor, catalogue: CatalogueServer) -> None:
    catalogue.behaviour = lambda visit: visit.answer_item({"price": 9.5, "goodevil": "Evil"})
    processor = start_processor(
        ITEM_ID_FIELD="productId", CATALOGUE_ATTRIBUTES="price,colour", CATALOGUE_URL=catalogue.url
    )
    (line,) = processor.lines(make_envelope(make_click(None, productId="p-1")))
    assert (line["productId"], line["price"]) == ("p-1", "9.5")
    assert not line.keys() & {"colour", "goodevil"}


def test_a_wrong_setting_stops_the_start(start_processor: StartProcessor) -> None:
    with pytest.raises(ValueError, match="CATALOGUE_URL"):
        start_processor(CATALOGUE_URL="shop.example")
