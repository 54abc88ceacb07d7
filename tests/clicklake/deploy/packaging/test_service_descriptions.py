"""The ingest bundle describes the calls that the app makes, and no others."""

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore
import botocore.session
import pytest
from botocore.loaders import Loader

from clicklake.deploy.packaging.service_descriptions import (
    OPERATIONS,
    is_description,
    trim_descriptions,
    trim_services,
)

DATA = Path(botocore.__file__).parent / "data"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bundle = tmp_path_factory.mktemp("bundle")
    for service in OPERATIONS:
        for file in DATA.glob(f"{service}/*/service-2.json.gz"):
            target = bundle / "botocore/data" / file.relative_to(DATA)
            target.parent.mkdir(parents=True)
            shutil.copyfile(file, target)
    shutil.copyfile(DATA / "endpoints.json", bundle / "botocore/data/endpoints.json")
    trim_descriptions(bundle)
    return bundle


def descriptions(bundle: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in bundle.glob("botocore/data/*/*/service-2.json.gz"):
        yield file.parts[-3], json.loads(gzip.decompress(file.read_bytes()))


def test_only_the_operations_that_the_app_calls_are_described(bundle: Path) -> None:
    assert {name: tuple(found["operations"]) for name, found in descriptions(bundle)} == OPERATIONS


def test_every_shape_that_is_referred_to_is_there(bundle: Path) -> None:
    for name, found in descriptions(bundle):
        (original,) = DATA.glob(f"{name}/*/service-2.json.gz")
        assert len(found["shapes"]) < len(json.loads(gzip.decompress(original.read_bytes()))["shapes"]) / 3
        session = botocore.session.Session(include_builtin_handlers=False)
        session.register_component(
            "data_loader", Loader([str(bundle / "botocore/data")], include_default_search_paths=False)
        )
        model = session.get_service_model(name)
        for operation in OPERATIONS[name]:
            for shape in (
                model.operation_model(operation).input_shape,
                model.operation_model(operation).output_shape,
            ):
                assert shape
                seen = [shape]
                for each in seen:
                    children = getattr(each, "members", {}).values()
                    seen += [child for child in children if child.name not in {one.name for one in seen}]


def test_endpoints_of_other_services_are_gone(bundle: Path) -> None:
    endpoints = json.loads((bundle / "botocore/data/endpoints.json").read_text())
    assert {name for partition in endpoints["partitions"] for name in partition["services"]} == {*OPERATIONS}


def test_descriptions_of_other_services_are_not_copied() -> None:
    copied = {
        path.parts[2]
        for path in (Path("botocore/data") / file.relative_to(DATA) for file in DATA.glob("*/*/*"))
        if is_description(path)
    }
    assert copied == {*OPERATIONS}


def test_the_keepers_services_keep_every_operation_and_no_text(tmp_path: Path) -> None:
    for service in ("sns", "sts"):
        shutil.copytree(DATA / service, tmp_path / "botocore" / "data" / service)
    trim_services(tmp_path, ("sns",))
    ((name, found),) = descriptions(tmp_path)
    (original,) = DATA.glob("sns/*/service-2.json.gz")
    whole = json.loads(gzip.decompress(original.read_bytes()))
    assert (name, found["operations"].keys()) == ("sns", whole["operations"].keys())
    assert {operation["documentation"] for operation in found["operations"].values()} == {""}
    loader = Loader([str(tmp_path / "botocore/data"), str(DATA)], include_default_search_paths=False)
    session = botocore.session.Session()
    session.register_component("data_loader", loader)
    client = session.create_client("sns", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    assert client.meta.method_to_api_mapping["publish"] == "Publish"
