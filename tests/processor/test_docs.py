"""docs/line.md tells everything: what is not in it fails here."""

import dataclasses
import re
from pathlib import Path

import pytest

from processor import bots, envelope
from processor.campaign import CLICK_IDS
from processor.line import ClickFields, SharedFields
from processor.metrics import Metrics
from processor.settings import Settings

DOCS = Path("docs/line.md").read_text()
FIELDS = {*ClickFields.__struct_encode_fields__, *SharedFields.__struct_encode_fields__} - {"itemId"}


def rows_of(heading: str) -> list[str]:
    """The first cell of each row under a heading."""
    section = DOCS.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w[^`]*)`", section, re.MULTILINE)


def test_every_field_of_the_line_is_told() -> None:
    attributes = {"goodevil", "lawchaos", "species"}
    assert set(rows_of("Fields")) - attributes == FIELDS | {"mysfitId"}


@pytest.mark.parametrize("name", CLICK_IDS)
def test_every_advertisers_id_is_told(name: str) -> None:
    assert f"`{name}`" in DOCS


def test_every_rule_on_bots_is_told_in_its_order() -> None:
    rules = [name for name, _ in bots._RULES if name != "person"]
    assert rows_of("Bots") == [bots.NO_AGENT, *rules, bots.LISTED]


def test_every_reason_to_refuse_a_record_is_told() -> None:
    source = Path(str(envelope.__file__)).read_text()
    reasons = {
        *re.findall(r'NotAnEnvelopeError\("([^"]+)"\)', source),
        "malformed envelope",
        "unknown version",
    }
    assert reasons
    assert reasons <= set(rows_of("What becomes `ProcessingFailed`"))


def test_every_metric_is_told() -> None:
    fields = {field.name for field in dataclasses.fields(Metrics)} - {"failures"}
    assert set(rows_of("Metrics")) == {name.title().replace("_", "") for name in fields}


def test_every_setting_is_told_with_its_default() -> None:
    for field in dataclasses.fields(Settings):
        variable = "ITEM_ID_FIELD" if field.name == "item_field" else field.name.upper()
        default = ",".join(field.default) if isinstance(field.default, tuple) else field.default
        assert f"| `{variable}` | {f'`{default}`' if default else 'none'} |" in DOCS
