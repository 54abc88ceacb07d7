"""The emulator's settings: defaults, values, errors."""

import re
from pathlib import Path

import pytest

from clicklake.local.emulator import settings
from clicklake.local.emulator.settings import EmulatorSettings, read_settings


def test_defaults_are_those_of_make_run(tmp_path: Path) -> None:
    given = {"CLICKLAKE_STATE_DIR": str(tmp_path)}
    assert read_settings(given) == EmulatorSettings(4566, 4567, tmp_path, 0.5, "us-east-1", "WARNING")


def test_values_of_the_environment_are_read(tmp_path: Path) -> None:
    given = {
        "CLICKLAKE_STATE_DIR": str(tmp_path),
        "GATEWAY_PORT": "1",
        "CLICKLAKE_LIVE_PORT": "2",
        "CLICKLAKE_MAX_BUFFER_SECONDS": "60",
        "MINISTACK_REGION": "eu-west-1",
        "LOG_LEVEL": "DEBUG",
    }
    assert read_settings(given) == EmulatorSettings(1, 2, tmp_path, 60, "eu-west-1", "DEBUG")
    assert set(given) == set(re.findall("^([A-Z_]+) ", settings.__doc__ or "", re.MULTILINE))


@pytest.mark.parametrize("name", ["GATEWAY_PORT", "CLICKLAKE_LIVE_PORT", "CLICKLAKE_MAX_BUFFER_SECONDS"])
def test_value_that_is_not_a_number_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(SystemExit, match=f"{name} must be a number, not 'many'"):
        read_settings({"CLICKLAKE_STATE_DIR": str(tmp_path), name: "many"})


@pytest.mark.parametrize("given", [{}, {"CLICKLAKE_STATE_DIR": ""}])
def test_missing_state_directory_is_named(given: dict[str, str]) -> None:
    with pytest.raises(SystemExit, match="CLICKLAKE_STATE_DIR"):
        read_settings(given)
