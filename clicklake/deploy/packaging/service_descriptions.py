"""Ship botocore's descriptions of the AWS calls that the ingest app makes, and of no others.

The keeper gets those of whole services: it has the time.

Reading a description takes most of the time that making a client takes: DynamoDB's has 57 operations, of
which the app calls two.
"""

import gzip
import json
import shutil
from pathlib import Path, PurePath
from typing import Any

OPERATIONS = {"firehose": ("PutRecord",), "dynamodb": ("GetItem", "PutItem")}
"""What ingest_app/aws/stream.py and ingest_app/aws/visitor_key_table.py call."""


def is_description(file: PurePath) -> bool:
    """True for the description of a service that the app calls: botocore/data/<service>/<version>/…"""
    return file.parts[2] in OPERATIONS and file.name == "service-2.json.gz"


def trim_services(bundle: Path, services: tuple[str, ...]) -> None:
    """Remove botocore's descriptions of all other services, and the texts in the documentation of these.

    440 services are most of botocore's size, and documentation is most of a description.
    """
    for folder in filter(Path.is_dir, (bundle / "botocore" / "data").iterdir()):
        if folder.name not in services:
            shutil.rmtree(folder)
    for file in bundle.glob("botocore/data/*/*/service-2.json.gz"):
        _write_description(file, _with_empty_documentation(json.loads(gzip.decompress(file.read_bytes()))))


def trim_descriptions(bundle: Path) -> None:
    """Remove the other operations, and the endpoints of all other services."""
    for service, operations in OPERATIONS.items():
        for file in bundle.glob(f"botocore/data/{service}/*/service-2.json.gz"):
            description = json.loads(gzip.decompress(file.read_bytes()))
            _write_description(file, only(operations, description))
    endpoints = bundle / "botocore/data/endpoints.json"
    partitions = json.loads(endpoints.read_text())
    for partition in partitions["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in services if name in OPERATIONS}
    endpoints.write_text(json.dumps(partitions, separators=(",", ":")))


def _write_description(file: Path, description: Any) -> None:
    text = json.dumps(description, separators=(",", ":"))
    file.write_bytes(gzip.compress(text.encode(), mtime=0))


def only(operations: tuple[str, ...], description: dict[str, Any]) -> dict[str, Any]:
    """Return the description with these operations, the shapes that they need, and no documentation."""
    kept = {name: description["operations"][name] for name in operations}
    shapes: dict[str, Any] = {}
    waiting = [shape for operation in kept.values() for shape in _shapes_in(operation)]
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = description["shapes"][name]
            waiting += _shapes_in(shapes[name])
    trimmed = description | {"operations": kept, "shapes": shapes}
    result: dict[str, Any] = _without_documentation(trimmed)
    return result


def _shapes_in(node: Any) -> list[str]:
    """Return the name of every shape that the node refers to."""
    if isinstance(node, list):
        return [name for child in node for name in _shapes_in(child)]
    if not isinstance(node, dict):
        return []
    own = [node["shape"]] if isinstance(node.get("shape"), str) else []
    return own + [name for child in node.values() for name in _shapes_in(child)]


def _with_empty_documentation(node: Any) -> Any:
    """Keep the names: botocore reads some of them when it makes a client."""
    if isinstance(node, list):
        return [_with_empty_documentation(child) for child in node]
    if not isinstance(node, dict):
        return node
    return {
        name: "" if name == "documentation" and isinstance(child, str) else _with_empty_documentation(child)
        for name, child in node.items()
    }


def _without_documentation(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_documentation(child) for child in node]
    if not isinstance(node, dict):
        return node
    is_text = isinstance(node.get("documentation"), str)
    return {
        name: _without_documentation(child)
        for name, child in node.items()
        if not (is_text and name == "documentation")
    }
