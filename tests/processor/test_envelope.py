import uuid
from pathlib import Path

import msgspec
import pytest

from processor.enriched_event import build_event_class
from processor.envelope import (
    LEGACY_CLICK_NAMESPACE,
    EnvelopeReader,
    NotAnEnvelopeError,
    ReceivedEnvelope,
)
from tests.processor.records import make_click, make_envelope

GOLDEN = sorted(Path("tests/data/envelopes").glob("*.json"))
RECORD_ID = "49546986683135544286507457936321625675700192471156785154000000"
ARRIVED_MS = 1_795_489_985_680

READER = EnvelopeReader(build_event_class("mysfitId", ["species"]))


def read(data: bytes, reader: EnvelopeReader = READER) -> ReceivedEnvelope:
    return reader.read(data, RECORD_ID, ARRIVED_MS)


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_every_envelope_ever_written_can_be_read(file: Path) -> None:
    data = file.read_bytes()
    envelope, written = read(data), msgspec.json.decode(data)
    assert envelope.request_id == written["requestId"]
    assert [click.event_id for click in envelope.clicks] == [click["eventId"] for click in written["clicks"]]


ITEM_NAMES = [
    ({"productId": "p-1"}, "p-1"),
    ({"itemId": "p-1"}, "p-1"),
    ({"itemId": "p-1", "productId": "p-2"}, "p-2"),
    ({"productId": "p-2", "itemId": "p-1"}, "p-2"),
    ({"itemId": None, "productId": "p-2"}, "p-2"),
    ({"mysfitId": "p-1"}, None),
]


@pytest.mark.parametrize(("fields", "item_id"), ITEM_NAMES)
def test_an_item_is_named_by_the_alias_or_by_item_id_and_the_alias_wins(
    fields: dict[str, str | None], item_id: str | None
) -> None:
    reader = EnvelopeReader(build_event_class("productId", []))
    (click,) = read(make_envelope(make_click(None, **fields)), reader).clicks
    assert click.item_id == item_id
    (legacy_click,) = read(msgspec.json.encode({"userId": "u-17"} | fields), reader).clicks
    assert legacy_click.item_id == item_id


def test_an_invalid_alias_of_a_legacy_click_does_not_hide_its_item_id() -> None:
    for alias in ("", 5, 2049 * "a"):
        (click,) = read(msgspec.json.encode({"itemId": "p-1", "mysfitId": alias})).clicks
        assert click.item_id == "p-1"


def test_the_alias_may_be_item_id_itself() -> None:
    reader = EnvelopeReader(build_event_class("itemId", []))
    (click,) = read(make_envelope(make_click(None, itemId="p-1")), reader).clicks
    assert click.item_id == "p-1"
    (legacy_click,) = read(b'{"itemId": "p-1"}', reader).clicks
    assert legacy_click.item_id == "p-1"


def test_unknown_keys_are_ignored() -> None:
    data = make_envelope(make_click(scroll={"depth": 3}), region="eu")
    assert [click.item_id for click in read(data).clicks] == ["evangeline"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b"click", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"userId": "\xff"}', "not JSON"),
        (b'{"userId": "\\ud800"}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a":' * 100_000, "not JSON"),
        (make_envelope(make_click()) * 2, "not JSON"),
        (b"[]", "not an object"),
        (b'"click"', "not an object"),
        (b"null", "not an object"),
        (b"{}", "neither envelope nor click"),
        (b'{"hello": "world"}', "neither envelope nor click"),
        (b'{"userId": 5}', "neither envelope nor click"),
        (b'{"mysfitId": ""}', "neither envelope nor click"),
        (b'{"clicks": [{"userId": "u-17"}]}', "neither envelope nor click"),
        (make_envelope(make_click(), v=2), "unknown version"),
        (make_envelope(make_click(), v="1"), "unknown version"),
        (make_envelope(make_click(), v=None), "unknown version"),
        (make_envelope(), "malformed envelope"),
        (make_envelope(make_click(), receivedAt=None), "malformed envelope"),
        (make_envelope(make_click(), clicks="none"), "malformed envelope"),
        (make_envelope(make_click(), clicks=[5]), "malformed envelope"),
        (make_envelope(make_click(), {}), "malformed envelope"),
        (make_envelope(make_click(url=5)), "malformed envelope"),
        (make_envelope(make_click(itemId=5)), "malformed envelope"),
        (make_envelope(make_click(properties={"depth": 3})), "malformed envelope"),
        (b'{"v": 1}', "malformed envelope"),
    ],
    ids=lambda value: value[:40] if isinstance(value, bytes) else None,
)
def test_any_other_record_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(NotAnEnvelopeError, match=f"^{reason}$"):
        read(data)


def test_a_legacy_click_is_an_envelope_of_one_click_without_a_sender() -> None:
    envelope = read(b'{"userId": "u-17", "mysfitId": "evangeline"}\n')
    (click,) = envelope.clicks
    assert (click.user_id, click.item_id, click.type) == ("u-17", "evangeline", "click")
    assert click.event_id == str(uuid.uuid5(LEGACY_CLICK_NAMESPACE, RECORD_ID))
    assert envelope == ReceivedEnvelope(None, None, "2026-11-24T03:13:05.680Z", envelope.clicks)


def test_the_event_id_of_a_legacy_click_never_changes() -> None:
    """Lines in existing lakes have ids that were made this way."""
    (click,) = read(b'{"userId": "u-17"}').clicks
    assert click.event_id == "357e769d-236b-59eb-91bf-7280d0a3d145"


def test_a_legacy_click_keeps_its_own_event_id() -> None:
    (click,) = read(b'{"userId": "u-17", "eventId": "0e2f7b8a-1f1d-4d3c-9a52-6b7f0a4c1d01"}').clicks
    assert click.event_id == "0e2f7b8a-1f1d-4d3c-9a52-6b7f0a4c1d01"


def test_invalid_fields_of_a_legacy_click_are_dropped() -> None:
    data = {
        "mysfitId": "evangeline",
        "userId": None,
        "url": "https://shop.example/" + 2048 * "a",
        "title": ["no", "text"],
        "element": {"tag": "a"},
        "properties": {"depth": 3},
        "bot": "me",
    }
    (click,) = read(msgspec.json.encode(data)).clicks
    assert (click.item_id, click.user_id, click.element) == ("evangeline", "guest", {"tag": "a"})
    assert (click.url, click.title, click.properties) == (None, None, None)


def test_a_legacy_click_may_have_no_time_of_arrival() -> None:
    assert READER.read(b'{"userId": "u-17"}', RECORD_ID, None).received_at is None
