"""An emulator for all tests of the commands, and a lake of each test's own in it."""

import os
from collections.abc import Iterator

import pytest

from tests.support.emulator import KEYS, Emulator
from tests.support.lakes import Commands, TestLake, new_lake


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    started = Emulator(tmp_path_factory.mktemp("emulator")).start()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def aws_env(emulator: Emulator) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    keys = {name.upper(): value for name, value in KEYS.items() if name.startswith("aws_")}
    region = {"AWS_REGION": KEYS["region_name"], "AWS_DEFAULT_REGION": KEYS["region_name"]}
    return clean | keys | region | {"AWS_ENDPOINT_URL": emulator.gateway, "AWS_CONFIG_FILE": os.devnull}


@pytest.fixture
def lake(emulator: Emulator) -> TestLake:
    return new_lake(emulator)


@pytest.fixture
def clicklake(lake: TestLake, aws_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Commands:
    for name, value in aws_env.items():
        monkeypatch.setenv(name, value)
    return Commands(lake.bucket)
