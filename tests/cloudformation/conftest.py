"""The parsed templates, and an account of the emulator with the lake deployed to it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloudformation.account import Account
from tests.cloudformation.templates import load
from tests.support.emulator import Emulator
from tests.support.paths import ROOT


@pytest.fixture(scope="session")
def lake() -> dict[str, Any]:
    return load(ROOT / "cloudformation" / "lake.yaml")


@pytest.fixture(scope="session")
def alarms() -> dict[str, Any]:
    return load(ROOT / "cloudformation" / "alarms.yaml")


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    emulator = Emulator(tmp_path_factory.mktemp("emulator")).start()
    yield Account(emulator.gateway)
    emulator.stop()


@pytest.fixture(scope="session")
def packaged_lake(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake's template with a processor that does nothing, packaged as for AWS."""
    checkout = tmp_path_factory.mktemp("checkout")
    for name in ("cloudformation", "build/processor/processor", "build/keeper/clicklake/keeper"):
        (checkout / name).mkdir(parents=True)
    template = checkout / "cloudformation" / "lake.yaml"
    template.write_text((ROOT / "cloudformation" / "lake.yaml").read_text())
    for handler in ("processor/processor", "keeper/clicklake/keeper"):
        (checkout / "build" / handler / "handler.py").write_text("def lambda_handler(event, context): ...\n")
    account.package(template, checkout / "packaged.yaml")
    return checkout / "packaged.yaml"


@pytest.fixture(scope="session")
def deployed_lake(account: Account, packaged_lake: Path) -> dict[str, str]:
    """The outputs of a lake with default parameters."""
    account.deploy(packaged_lake, "clicklake-lake-dev")
    return account.outputs("clicklake-lake-dev")
