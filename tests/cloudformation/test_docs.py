"""docs/deploy.md documents every parameter, every setting and every stack."""

import json
from pathlib import Path

import pytest

from tests.cloudformation.templates import TEMPLATES, load, resources_of
from tests.support.paths import ROOT

DOCS = (ROOT / "docs" / "deploy.md").read_text()
STAGES = json.loads((ROOT / "zappa_settings.json").read_text())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_parameter_is_documented_with_its_template(path: Path) -> None:
    assert f"cloudformation/{path.name}" in DOCS
    parameters = DOCS.split("\n## Parameters\n")[1].split("\n## ")[0]
    (paragraph,) = (part for part in parameters.split("\n**") if part.startswith(f"{path.name}**"))
    for parameter in load(path)["Parameters"]:
        assert f"`{parameter}`" in paragraph


def test_every_setting_of_zappa_is_documented() -> None:
    for setting in {name for stage in STAGES.values() for name in stage}:
        assert f"`{setting}`" in DOCS


def test_the_docs_call_athenas_table_by_its_name() -> None:
    tables = resources_of(load(ROOT / "cloudformation" / "lake.yaml"), "AWS::Glue::Table")
    lines, columns = (table["TableInput"]["Name"] for table in tables.values())
    assert f"The table `{lines}` in the database" in DOCS
    assert f"The table `{columns}` has the same clicks" in DOCS
