"""The lines of an envelope are bounded: a batch fits into Lambda's response, whatever strangers send."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.enriched_event import RequestFields
from processor.envelope import EnvelopeV1
from processor.firehose import MAX_RESPONSE_BYTES
from processor.parsing.user_agent import MAX_BROWSER_CHARACTERS, MAX_OS_CHARACTERS, MAX_VERSION_CHARACTERS
from tests.processor.conftest import StartProcessor
from tests.processor.in_process_catalogue import InProcessCatalogue, item_reply
from tests.processor.loaded import LoadedProcessor
from tests.processor.records import lines_of, make_click, make_envelope, make_event

MAX_GROWTH = 8.3  # docs/line.md and lake.yaml name it
BUFFER_BYTES = 512 * 1024  # ProcessorBufferSizeMiB
MAX_CLICKS = 500  # of a request
SMALLEST = {"type": "a", "userId": "g", "eventId": "0e2f7b8a-1f1d-4d3c-9a52-6b7f0a4c1d01"}
HOSTILE_AGENT = 950 * "A" + "/1.0 CFNetwork/1 Darwin/20"
IPV6 = "2001:db8:ffff::"


def compact(envelope: bytes) -> bytes:
    """As the ingest app writes it."""
    return msgspec.json.encode(json.loads(envelope)) + b"\n"


def results_of(processor: LoadedProcessor, *data: bytes) -> list[dict[str, Any]]:
    return processor.handle(make_event(*data))


def size_of_lines(record: dict[str, Any]) -> int:
    return sum(len(msgspec.json.encode(line)) + 1 for line in lines_of(record))


# The longest values that the ingest app and the processor's steps can write.
LARGEST = RequestFields(
    v=1,
    request_id=36 * "r",
    sent_at="2026-11-24T02:38:01.900Z",
    received_at="2026-11-24T02:38:02.123Z",
    processed_at="2026-11-24T02:39:02.500Z",
    skew_ms=-251_727_000_000_000,  # sentAt in the year 9999
    lag_ms=86_400_000,
    country="DE",
    address="ffff:ffff:ffff::",
    visitor_id=64 * "f",
    browser=MAX_BROWSER_CHARACTERS * "B",
    browser_version=MAX_VERSION_CHARACTERS * "9",
    os=MAX_OS_CHARACTERS * "O",
    device="desktop",
    bot="compatible",
)


def test_the_smallest_clicks_with_the_largest_sender_fit_into_a_response() -> None:
    click = msgspec.json.encode(SMALLEST)
    line = msgspec.json.encode(SMALLEST | {"itemLookup": "none", "referrerKind": "direct"})
    largest_line = len(line) + len(msgspec.json.encode(LARGEST))
    envelope = len(compact(make_envelope(*MAX_CLICKS * [SMALLEST], address=IPV6)))
    assert envelope == pytest.approx(MAX_CLICKS * (len(click) + 1), rel=0.02)
    assert MAX_CLICKS * largest_line / envelope <= MAX_GROWTH
    records = (BUFFER_BYTES + envelope) / envelope
    response = (BUFFER_BYTES + envelope) * MAX_GROWTH * 4 / 3 + records * 120
    assert response < MAX_RESPONSE_BYTES


def test_the_sum_has_every_field_that_the_lines_of_a_request_share() -> None:
    """`privacy` is missing: a click that bears it has neither address nor visitorId."""
    assert set(LARGEST.__struct_fields__) - {"privacy"} == {
        name for name in LARGEST.__struct_fields__ if getattr(LARGEST, name) is not None
    }


parts = st.sampled_from(
    [
        *'Aé😀"\\\x01%&=?./;( ',
        "Mozilla/5.0 ",
        "CFNetwork/1 Darwin/20",
        "Chrome/9.9",
        "utm_term=",
        "%01",
        "a://b/",
    ]
)
texts = st.lists(parts, max_size=60).map("".join)
optional = {
    "title": texts.map(lambda text: text[:512]),
    "url": texts.map(lambda text: f"a://b?utm_term={text}"[:2048]),
    "referrer": texts.map(lambda text: f"a://{text}"[:2048]),
    "properties": st.dictionaries(texts.map(lambda text: text[:64]), texts, max_size=3),
}
clicks = st.fixed_dictionaries({}, optional=optional).map(lambda fields: SMALLEST | fields)


@settings(max_examples=200)
@given(clicks, st.sampled_from([1, 10, 500]), st.none() | texts.map(lambda text: text[:1024]))
def test_the_lines_of_an_envelope_are_at_most_so_many_times_its_size(
    processor: LoadedProcessor, click: dict[str, Any], count: int, agent: str | None
) -> None:
    data = compact(make_envelope(*count * [click], userAgent=agent, address=IPV6))
    (record,) = results_of(processor, data)
    assert len(record["data"]) * 3 / 4 <= MAX_GROWTH * len(data)


@pytest.mark.parametrize(
    "agent",
    [
        HOSTILE_AGENT,
        "1/" + 500 * "9" + "." + 500 * "9" + " CFNetwork/1 Darwin/20",
        60 * "😀" + "/1.0 CFNetwork/1 Darwin/20",
        60 * '"' + "/1.0 CFNetwork/1 Darwin/20",
        60 * "\\" + "/1.0 CFNetwork/1 Darwin/20",
        60 * "\x01" + "/1.0 CFNetwork/1 Darwin/20",
        "Podcast" + 60 * "<script>" + "/9" + 60 * "9",
        "ArcGIS Runtime SDK for " + 200 * "x",
    ],
)
def test_what_an_agent_becomes_is_short(processor: LoadedProcessor, agent: str) -> None:
    (line,) = processor.lines(make_envelope(make_click(), userAgent=agent[:1024]))
    for field in ("browser", "browserVersion", "os", "device", "bot"):
        assert len(msgspec.json.encode(line.get(field, ""))) <= 64 + 2


def test_a_hostile_agent_does_not_take_the_room_of_honest_records(processor: LoadedProcessor) -> None:
    hostile = compact(make_envelope(*500 * [SMALLEST], userAgent=HOSTILE_AGENT))
    honest = [compact(make_envelope(*10 * [make_click(title="é" * 100)])) for _ in range(40)]
    results = results_of(processor, *8 * [hostile], *honest)
    assert [record["result"] for record in results] == 48 * ["Ok"]


def test_long_attributes_take_no_room_of_honest_records(
    start_processor: StartProcessor, catalogue: InProcessCatalogue
) -> None:
    """A stranger may choose the item that has the longest attributes, and repeat it in every click."""
    catalogue.reply = lambda item_id: item_reply(
        dict.fromkeys(["name", "goodevil", "lawchaos", "species"], 256 * "x")
    )
    hostile = compact(make_envelope(*500 * [SMALLEST | {"mysfitId": "x"}]))
    honest = [compact(make_envelope(*10 * [make_click(None, title="é" * 100)])) for _ in range(40)]
    results = results_of(start_processor(), *10 * [hostile], *honest)
    outcomes = [record["result"] for record in results]
    assert outcomes[10:] == 40 * ["Ok"]
    assert 0 < outcomes[:10].count("ProcessingFailed") < 10


def test_what_every_line_repeats_is_limited_in_the_envelope() -> None:
    """Whoever may put records could otherwise make 500 lines of 900 KB out of one record."""
    for name in ("requestId", "receivedAt", "sentAt", "address", "country", "visitorId", "privacy"):
        value = json.loads(make_envelope(make_click(None)))
        msgspec.convert(value | {name: 128 * "x"}, EnvelopeV1)
        with pytest.raises(msgspec.ValidationError, match=name):
            msgspec.convert(value | {name: 129 * "x"}, EnvelopeV1)
