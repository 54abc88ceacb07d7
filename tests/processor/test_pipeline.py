import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from processor import pipeline
from processor.envelope import Envelope, EnvelopeReader
from processor.items import Item
from processor.line import ClickFields, click_type
from processor.pipeline import Batch, enrich, to_lines
from processor.settings import Settings
from tests.processor.records import make_click, make_envelope

DATA = Path("tests/data")
GOLDEN = sorted(path.stem for path in DATA.glob("envelopes/*.json"))

EVANGELINE = Item("ok", (("goodevil", "Evil"), ("lawchaos", "Lawful"), ("species", "Chimera")))
NOTHING = (("goodevil", None), ("lawchaos", None), ("species", None))


def make_batch() -> Batch:
    items: dict[str | None, Item] = defaultdict(lambda: Item("none", NOTHING))
    items["4e53920c-505a-4a90-a694-b9300791f0ae"] = EVANGELINE
    items["evangeline"] = EVANGELINE
    items["nobody"] = Item("unknown item", NOTHING)
    return Batch("2026-11-24T02:39:02.500Z", items, Counter())


def run(data: bytes, batch: Batch | None = None) -> list[dict[str, Any]]:
    reader = EnvelopeReader(click_type("mysfitId", Settings.catalogue_attributes))
    envelope = reader.read(data, "record", None)
    lines = to_lines(envelope, enrich(envelope, batch or make_batch()))
    assert lines.endswith(b"\n")
    return [json.loads(line) for line in lines.splitlines()]


@pytest.mark.parametrize("name", GOLDEN)
def test_every_envelope_ever_written_becomes_the_lines_that_we_know(name: str) -> None:
    """tests/data/lines/ is what queries were written for: a change there is a change for everyone."""
    lines = [json.loads(line) for line in (DATA / f"lines/{name}.jsonl").read_text().splitlines()]
    assert run((DATA / f"envelopes/{name}.json").read_bytes()) == lines


def test_null_is_left_out_of_the_line() -> None:
    (line,) = run(make_envelope(make_click(None), sentAt=None, address=None, country=None, visitorId=None))
    assert None not in line.values()
    assert not line.keys() & {"sentAt", "skewMs", "address", "country", "visitorId", "bot", "species", "url"}


def test_an_item_that_is_unknown_has_no_attributes() -> None:
    (line,) = run(make_envelope(make_click("nobody")))
    assert line["enrichment"] == "unknown item"
    assert not line.keys() & {"goodevil", "lawchaos", "species"}


def test_what_a_click_says_in_the_name_of_a_step_does_not_land() -> None:
    ours = run(make_envelope(make_click()))
    claims = {
        "enrichment": "ok",
        "species": "Dragon",
        "host": "other.example",
        "path": "/",
        "utmSource": "me",
        "clickId": "me",
        "referrerHost": "me",
        "referrerKind": "mail",
    }
    shared = {"v": 9, "requestId": "me", "processedAt": "me", "skewMs": 0, "bot": None, "device": "mobile"}
    assert run(make_envelope(make_click(**claims, **shared))) == ours


def test_a_key_that_is_not_known_does_not_land() -> None:
    assert run(make_envelope(make_click(scroll=3), region="eu")) == run(make_envelope(make_click()))


@pytest.mark.parametrize(
    "text",
    ["<script>", "</script>", "=cmd()", "\x1b[31m", "a\nb\r\n", "\u202egnp", "}\n{", "\u2028", "\x00", "é😀"],
)
def test_a_hostile_text_lands_as_it_is_on_one_line(text: str) -> None:
    click = make_click(title=text, properties={text: text}, element={"text": text}, userId=text)
    (line,) = run(make_envelope(click, country=text))
    assert (line["title"], line["properties"], line["element"]) == (text, {text: text}, {"text": text})
    assert (line["userId"], line["country"]) == (text, text)


@pytest.mark.parametrize("steps", ["ENVELOPE_STEPS", "CLICK_STEPS"])
def test_no_step_can_fail_a_click(monkeypatch: pytest.MonkeyPatch, steps: str) -> None:
    def put_trouble(fields: object, envelope: Envelope, batch: Batch) -> None:
        raise ZeroDivisionError("of a bug")

    ours, batch = run(make_envelope(make_click(), make_click())), make_batch()
    monkeypatch.setattr(pipeline, steps, (put_trouble, *getattr(pipeline, steps)))
    assert run(make_envelope(make_click(), make_click()), batch) == ours
    assert batch.failed_steps == {"put_trouble": 1 if steps == "ENVELOPE_STEPS" else 2}


def test_of_a_bare_click_nothing_is_said_of_its_sender() -> None:
    (line,) = run(b'{"userId": "u-17", "mysfitId": "evangeline"}')
    assert line == {
        "eventId": line["eventId"],
        "type": "click",
        "userId": "u-17",
        "mysfitId": "evangeline",
        "enrichment": "ok",
        "goodevil": "Evil",
        "lawchaos": "Lawful",
        "species": "Chimera",
        "referrerKind": "direct",
        "processedAt": "2026-11-24T02:39:02.500Z",
    }


def test_a_sender_without_an_agent_is_marked() -> None:
    (line,) = run(make_envelope(make_click(), userAgent=None))
    assert line["bot"] == "no-agent"
    assert not line.keys() & {"browser", "browserVersion", "os", "device"}


def test_clocks_are_never_mixed_or_corrected() -> None:
    click = make_click(occurredAt="2031-01-01T00:00:00.000Z")
    (line,) = run(make_envelope(click, sentAt="2026-11-24T02:38:07.123Z"))
    assert line["occurredAt"] == "2031-01-01T00:00:00.000Z"
    assert (line["sentAt"], line["receivedAt"]) == ("2026-11-24T02:38:07.123Z", "2026-11-24T02:38:02.123Z")
    assert (line["skewMs"], line["lagMs"]) == (-5000, 60_377)


def test_the_click_of_a_deployment_has_its_names() -> None:
    click = click_type("productId", ["price"])(event_id="e", type="click", user_id="u", item_id="p-1")
    assert isinstance(click, ClickFields)
    assert click.__struct_encode_fields__[-1] == "price"
    assert "productId" in click.__struct_encode_fields__
