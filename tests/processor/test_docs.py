"""docs/line.md describes everything: a field, rule, reason, metric or setting that it lacks fails here."""

import dataclasses
import json
import re
from pathlib import Path
from typing import get_args

import pytest

from processor import envelope
from processor.enriched_event import EventFields, RequestFields
from processor.items import LookupResult
from processor.metrics import Metrics
from processor.parsing import bots
from processor.parsing.campaign import CLICK_IDS
from processor.settings import ProcessorSettings

DOCS = Path("docs/line.md").read_text()
GOLDEN_LINES = Path("tests/data/lines/v1-full.itemlookup.jsonl")
FIELDS = {*EventFields.__struct_encode_fields__, *RequestFields.__struct_encode_fields__} - {"itemId"}


def rows_of(heading: str) -> list[str]:
    """Return the first cell of each row under a heading."""
    section = DOCS.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w[^`]*)`", section, re.MULTILINE)


def test_the_example_is_the_line_that_the_processor_writes() -> None:
    example = DOCS[DOCS.index("    {") : DOCS.index("}\n\n") + 1]
    golden, *_ = GOLDEN_LINES.read_text().splitlines()
    assert json.loads(example) == json.loads(golden)


def test_every_field_of_the_line_is_described() -> None:
    attributes = {"name", "goodevil", "lawchaos", "species"}
    assert set(rows_of("Fields")) - attributes == FIELDS | {"mysfitId"}


def test_every_result_of_a_lookup_is_described() -> None:
    assert rows_of("Item lookup") == ["itemLookup", *get_args(LookupResult)]


@pytest.mark.parametrize("name", CLICK_IDS)
def test_every_click_id_is_described(name: str) -> None:
    assert f"`{name}`" in DOCS


def test_every_bot_rule_is_described_in_its_order() -> None:
    rules = [name for name, _ in bots._RULES if name != "person"]
    assert rows_of("Bots") == [bots.NO_AGENT, *rules, bots.LISTED]


def test_every_reason_to_refuse_a_record_is_described() -> None:
    source = Path(str(envelope.__file__)).read_text()
    reasons = {
        *re.findall(r'NotAnEnvelopeError\("([^"]+)"\)', source),
        "malformed envelope",
        "unknown version",
    }
    assert reasons
    assert reasons <= set(rows_of("What becomes `ProcessingFailed`"))


def test_every_metric_is_described() -> None:
    fields = {field.name for field in dataclasses.fields(Metrics)} - {"failures"}
    assert set(rows_of("Metrics")) == {name.title().replace("_", "") for name in fields}


def test_every_setting_is_described_with_its_default() -> None:
    for field in dataclasses.fields(ProcessorSettings):
        variable = "ITEM_ID_FIELD" if field.name == "item_field" else field.name.upper()
        default = ",".join(field.default) if isinstance(field.default, tuple) else field.default
        assert f"| `{variable}` | {f'`{default}`' if default else 'none'} |" in DOCS
