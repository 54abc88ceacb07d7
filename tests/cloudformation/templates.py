"""Parse CloudFormation templates to plain data: `!Ref X` becomes `{"Ref": "X"}`, and so on."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.support.paths import ROOT

TEMPLATES = sorted((ROOT / "cloudformation").glob("*.yaml"))


class _Loader(yaml.SafeLoader):
    pass


def _construct(loader: _Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if name == "GetAtt":
        value = value.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _construct)


def load(template: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.load(template.read_text(), _Loader)
    return parsed


def resources_of(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of each resource of this type, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def statements_of(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every policy statement anywhere in the value."""
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        for inner in value.values():
            yield from statements_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from statements_of(inner)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def lines_for(template: Path, pattern: str) -> list[str]:
    """Return the lines that match the pattern."""
    return [line for line in template.read_text().splitlines() if re.search(pattern, line)]
