"""The templates, read once; an emulator that holds the lake."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloudformation.account import Account, running_emulator
from tests.cloudformation.templates import load
from tests.support.paths import ROOT


@pytest.fixture(scope="session")
def lake() -> dict[str, Any]:
    return load(ROOT / "cloudformation" / "lake.yaml")


@pytest.fixture(scope="session")
def alarms() -> dict[str, Any]:
    return load(ROOT / "cloudformation" / "alarms.yaml")


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with running_emulator(tmp_path_factory.mktemp("emulator")) as account:
        yield account


@pytest.fixture(scope="session")
def packaged_lake(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template beside a processor that does nothing, packaged as for AWS."""
    checkout = tmp_path_factory.mktemp("checkout")
    for name in ("cloudformation", "build/processor/processor"):
        (checkout / name).mkdir(parents=True)
    template = checkout / "cloudformation" / "lake.yaml"
    template.write_text((ROOT / "cloudformation" / "lake.yaml").read_text())
    (checkout / "build/processor/processor/handler.py").write_text(
        "def lambda_handler(event, context): ...\n"
    )
    account.package(template, checkout / "packaged.yaml")
    return checkout / "packaged.yaml"


@pytest.fixture(scope="session")
def deployed_lake(account: Account, packaged_lake: Path) -> dict[str, str]:
    """The outputs of a lake with the parameters' defaults."""
    account.deploy(packaged_lake, "clicklake-lake-dev")
    return account.outputs("clicklake-lake-dev")
