import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from processor import pipeline
from processor.enriched_event import EventFields, build_event_class
from processor.envelope import EnvelopeReader, ReceivedEnvelope
from processor.items import CatalogueItem
from processor.pipeline import EnrichmentContext, enrich, to_lines
from processor.settings import ProcessorSettings
from tests.processor.records import make_click, make_envelope

DATA = Path("tests/data")
GOLDEN = sorted(path.stem for path in DATA.glob("envelopes/*.json"))

ATTRIBUTES = {"name": "Evangeline", "goodevil": "Evil", "lawchaos": "Lawful", "species": "Chimera"}
EVANGELINE = CatalogueItem("found", tuple(ATTRIBUTES.items()))
NO_ATTRIBUTES = tuple((name, None) for name in ATTRIBUTES)


def make_context() -> EnrichmentContext:
    items: dict[str | None, CatalogueItem] = defaultdict(lambda: CatalogueItem("none", NO_ATTRIBUTES))
    items["4e53920c-505a-4a90-a694-b9300791f0ae"] = EVANGELINE
    items["evangeline"] = EVANGELINE
    items["nobody"] = CatalogueItem("not_found", NO_ATTRIBUTES)
    return EnrichmentContext("2026-11-24T02:39:02.500Z", items, Counter())


def run(data: bytes, context: EnrichmentContext | None = None) -> list[dict[str, Any]]:
    reader = EnvelopeReader(build_event_class("mysfitId", ProcessorSettings.catalogue_attributes))
    envelope = reader.read(data, "record", None)
    lines = to_lines(envelope, enrich(envelope, context or make_context()))
    assert lines.endswith(b"\n")
    return [json.loads(line) for line in lines.splitlines()]


@pytest.mark.parametrize("name", GOLDEN)
def test_every_envelope_ever_written_becomes_these_lines(name: str) -> None:
    """Queries rely on the lines in tests/data/lines/. Never edit a file that a release has written.

    `<name>.jsonl` is what 0.1.0 wrote, `<name>.itemlookup.jsonl` is what the next release writes.
    """
    file = DATA / f"lines/{name}.itemlookup.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert run((DATA / f"envelopes/{name}.json").read_bytes()) == lines


def test_null_fields_are_left_out() -> None:
    (line,) = run(make_envelope(make_click(None), sentAt=None, address=None, country=None, visitorId=None))
    assert None not in line.values()
    assert not line.keys() & {"sentAt", "skewMs", "address", "country", "visitorId", "bot", "species", "url"}


def test_an_item_that_was_not_found_has_no_attributes() -> None:
    (line,) = run(make_envelope(make_click("nobody")))
    assert line["itemLookup"] == "not_found"
    assert not line.keys() & ATTRIBUTES.keys()


def test_the_line_names_the_item_by_the_alias() -> None:
    ours = run(make_envelope(make_click()))
    assert run(make_envelope(make_click(None, itemId="evangeline"))) == ours
    assert run(make_envelope(make_click(itemId="nobody"))) == ours


def test_a_click_cannot_set_a_field_that_a_step_sets() -> None:
    ours = run(make_envelope(make_click()))
    claims: dict[str, Any] = {
        "itemLookup": "found",
        "enrichment": "ok",
        "species": "Dragon",
        "host": "other.example",
        "path": "/",
        "utmSource": "me",
        "utmId": "me",
        "clickId": "me",
        "referrerHost": "me",
        "referrerKind": "mail",
    }
    claims |= {"v": 9, "requestId": "me", "processedAt": "me", "skewMs": 0, "bot": None, "device": "mobile"}
    assert run(make_envelope(make_click(**claims))) == ours


def test_unknown_keys_do_not_land() -> None:
    assert run(make_envelope(make_click(scroll=3), region="eu")) == run(make_envelope(make_click()))


@pytest.mark.parametrize(
    "text",
    ["<script>", "</script>", "=cmd()", "\x1b[31m", "a\nb\r\n", "\u202egnp", "}\n{", "\u2028", "\x00", "é😀"],
)
def test_a_hostile_text_lands_unchanged_on_one_line(text: str) -> None:
    click = make_click(title=text, properties={text: text}, element={"text": text}, userId=text)
    (line,) = run(make_envelope(click, country=text))
    assert (line["title"], line["properties"], line["element"]) == (text, {text: text}, {"text": text})
    assert (line["userId"], line["country"]) == (text, text)


@pytest.mark.parametrize("steps", ["ENVELOPE_STEPS", "CLICK_STEPS"])
def test_no_step_can_fail_a_click(monkeypatch: pytest.MonkeyPatch, steps: str) -> None:
    def put_trouble(fields: object, envelope: ReceivedEnvelope, context: EnrichmentContext) -> None:
        raise ZeroDivisionError("a bug")

    ours, context = run(make_envelope(make_click(), make_click())), make_context()
    monkeypatch.setattr(pipeline, steps, (put_trouble, *getattr(pipeline, steps)))
    assert run(make_envelope(make_click(), make_click()), context) == ours
    assert context.failed_steps == {"put_trouble": 1 if steps == "ENVELOPE_STEPS" else 2}


def test_the_line_of_a_legacy_click_says_nothing_about_the_sender() -> None:
    (line,) = run(b'{"userId": "u-17", "mysfitId": "evangeline"}')
    assert line == {
        "eventId": line["eventId"],
        "type": "click",
        "userId": "u-17",
        "mysfitId": "evangeline",
        "itemLookup": "found",
        "name": "Evangeline",
        "goodevil": "Evil",
        "lawchaos": "Lawful",
        "species": "Chimera",
        "referrerKind": "direct",
        "processedAt": "2026-11-24T02:39:02.500Z",
    }


def test_a_sender_without_a_user_agent_is_marked_as_a_bot() -> None:
    (line,) = run(make_envelope(make_click(), userAgent=None))
    assert line["bot"] == "no-agent"
    assert not line.keys() & {"browser", "browserVersion", "os", "device"}


def test_clocks_are_never_mixed_or_corrected() -> None:
    click = make_click(occurredAt="2031-01-01T00:00:00.000Z")
    (line,) = run(make_envelope(click, sentAt="2026-11-24T02:38:07.123Z"))
    assert line["occurredAt"] == "2031-01-01T00:00:00.000Z"
    assert (line["sentAt"], line["receivedAt"]) == ("2026-11-24T02:38:07.123Z", "2026-11-24T02:38:02.123Z")
    assert (line["skewMs"], line["lagMs"]) == (-5000, 60_377)


def test_an_event_has_the_field_names_of_its_deployment() -> None:
    event = build_event_class("productId", ["price"])(event_id="e", type="click", user_id="u", item_id="p-1")
    assert isinstance(event, EventFields)
    assert event.__struct_encode_fields__[-1] == "price"
    assert "productId" in event.__struct_encode_fields__
