"""The key of the visitorId lives in one place, and that place keeps no history of it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloudformation.templates import load, resources_of, statements_of
from tests.support.paths import ROOT

TEMPLATES = sorted((ROOT / "cloudformation").glob("*.yaml"))
TABLE = "AWS::DynamoDB::Table"


def sources() -> Iterator[Path]:
    for package in ("ingest_app", "clicklake", "processor"):
        yield from (ROOT / package).rglob("*.py")


@pytest.fixture
def table() -> dict[str, Any]:
    lake = load(ROOT / "cloudformation" / "lake.yaml")
    (properties,) = resources_of(lake, TABLE).values()
    return properties


def test_the_table_keeps_no_earlier_item(table: dict[str, Any]) -> None:
    """No point-in-time recovery (35 days of history), no stream (24 hours), no replica elsewhere."""
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": False}
    assert table.keys() == {
        "TableName",
        "BillingMode",
        "AttributeDefinitions",
        "KeySchema",
        "PointInTimeRecoverySpecification",
    }


def test_the_table_goes_with_its_stack() -> None:
    lake = load(ROOT / "cloudformation" / "lake.yaml")
    (resource,) = (each for each in lake["Resources"].values() if each["Type"] == TABLE)
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Delete"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.name)
def test_no_template_keeps_the_key_in_another_way(template: Path) -> None:
    """Not in a parameter (kept with the stack), a secret or SSM parameter (versions), or a backup plan."""
    resources = load(template)["Resources"].values()
    kinds = {each["Type"] for each in resources}
    assert not kinds & {
        "AWS::SecretsManager::Secret",
        "AWS::Backup::BackupPlan",
        "AWS::DynamoDB::GlobalTable",
    }
    assert not [kind for kind in kinds if kind.startswith("AWS::SSM")]
    for name in load(template).get("Parameters", {}):
        assert not re.search("(?i)visitor.?key$", name)


def test_no_setting_of_zappa_holds_the_key() -> None:
    """Zappa would write it into the bundle, into the function, and into every version that it publishes."""
    for stage in json.loads((ROOT / "zappa_settings.json").read_text()).values():
        assert "VISITOR_KEY" not in stage["aws_environment_variables"]


def test_no_code_reads_or_makes_the_old_variable() -> None:
    places = {
        file.relative_to(ROOT).as_posix()
        for file in sources()
        if re.search(r"\bVISITOR_KEY\b", file.read_text())
    }
    assert len(places) == 1, "only the code that deletes what 0.1.0 left may name it"


def test_the_app_and_the_keeper_may_read_and_write_the_item_and_nobody_else_may() -> None:
    for template in TEMPLATES:
        statements = [
            statement
            for statement in statements_of(load(template))
            if "dynamodb" in json.dumps(statement["Action"])
        ]
        if template.name == "lake.yaml":
            roles = load(template)["Resources"]
            assert (
                [*statements_of(roles["IngestRole"]), *statements_of(roles["KeeperRole"])].count(
                    statements[0]
                )
                == len(statements)
                == 2
            )
            assert statements[0]["Action"] == ["dynamodb:GetItem", "dynamodb:PutItem"]
            assert statements[0]["Resource"] == {"Fn::GetAtt": ["VisitorKey", "Arn"]}
        elif template.name != "pipeline.yaml":  # the build makes the table, and bounds the app's role
            assert statements == []
