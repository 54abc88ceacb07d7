"""The processor is broken for a moment, and is what it was before, whatever happens."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clicklake.verify.processor_settings import (
    CLOSED_CATALOGUE,
    MISSING_HANDLER,
    ProcessorSettingsKeeper,
)
from tests.support.emulator import Emulator, zipped
from tests.support.paths import ROOT

pytestmark = pytest.mark.emulator

NAME = "verified-processor"
VARIABLES = {"CATALOGUE_URL": "https://shop.example/{id}", "ITEM_ID_FIELD": "mysfitId"}


@pytest.fixture
def functions(emulator: Emulator) -> Iterator[Any]:
    client, iam = emulator.client("lambda"), emulator.client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    client.create_function(
        FunctionName=NAME,
        Runtime="python3.11",
        Role=role,
        Handler="processor.handler",
        Code={"ZipFile": zipped(ROOT / "tests" / "support" / "processor_under_test.py")},
        Environment={"Variables": VARIABLES},
    )
    yield client
    client.delete_function(FunctionName=NAME)
    iam.delete_role(RoleName=NAME)


@pytest.fixture
def keeper(functions: Any, tmp_path: Path) -> ProcessorSettingsKeeper:
    return ProcessorSettingsKeeper(functions, NAME, tmp_path / "verify" / "dev.json")


def settings(keeper: ProcessorSettingsKeeper) -> tuple[str, dict[str, str]]:
    found = keeper.functions.get_function_configuration(FunctionName=NAME)
    return found["Handler"], found["Environment"]["Variables"]


def test_the_catalogue_is_closed_and_opened_again(keeper: ProcessorSettingsKeeper) -> None:
    with keeper.without_catalogue():
        assert settings(keeper) == (
            "processor.handler",
            VARIABLES | {"CATALOGUE_URL": CLOSED_CATALOGUE},
        )
        assert json.loads(keeper.file.read_text())["variables"] == VARIABLES
        assert keeper.file.stat().st_mode & 0o777 == 0o600
    assert settings(keeper) == ("processor.handler", VARIABLES)
    assert not keeper.file.exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_or_ctrl_c_puts_it_back(keeper: ProcessorSettingsKeeper, error: type[BaseException]) -> None:
    def fail() -> None:
        with keeper.that_raises():
            assert settings(keeper) == (MISSING_HANDLER, VARIABLES)
            raise error

    with pytest.raises(error):
        fail()
    assert settings(keeper) == ("processor.handler", VARIABLES)
    assert not keeper.file.exists()


def test_what_a_killed_run_left_is_put_back_once(keeper: ProcessorSettingsKeeper) -> None:
    assert not keeper.restore_left_over()
    keeper.file.parent.mkdir()
    keeper.file.write_text(json.dumps({"handler": "processor.handler", "variables": VARIABLES}))
    keeper.functions.update_function_configuration(
        FunctionName=NAME, Handler=MISSING_HANDLER, Environment={"Variables": {}}
    )
    assert keeper.restore_left_over()
    assert settings(keeper) == ("processor.handler", VARIABLES)
    assert not keeper.restore_left_over()
