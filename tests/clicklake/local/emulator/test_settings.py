"""The emulator's settings: defaults, values, errors."""

import re
from pathlib import Path

import pytest

from clicklake.local.emulator import settings
from clicklake.local.emulator.settings import EmulatorSettings, read_settings

KEYS = {"CLICKLAKE_ACCESS_KEY_ID": "AKIAEXAMPLE", "CLICKLAKE_SECRET_ACCESS_KEY": "a secret"}
LINKS = ("http://site.example/", "curl x")


def test_defaults_are_those_of_make_run(tmp_path: Path) -> None:
    given = {"CLICKLAKE_STATE_DIR": str(tmp_path), **KEYS}
    assert read_settings(given) == EmulatorSettings(
        4566, 4567, tmp_path, 0.5, "us-east-1", "WARNING", *KEYS.values()
    )


def test_values_of_the_environment_are_read(tmp_path: Path) -> None:
    given = {
        "CLICKLAKE_STATE_DIR": str(tmp_path),
        "GATEWAY_PORT": "1",
        "CLICKLAKE_LIVE_PORT": "2",
        "CLICKLAKE_MAX_BUFFER_SECONDS": "60",
        "MINISTACK_REGION": "eu-west-1",
        "LOG_LEVEL": "DEBUG",
        **KEYS,
        "CLICKLAKE_SITE_URL": "http://site.example/",
        "CLICKLAKE_CURL": "curl x",
    }
    assert read_settings(given) == EmulatorSettings(
        1, 2, tmp_path, 60, "eu-west-1", "DEBUG", "AKIAEXAMPLE", "a secret", *LINKS
    )
    assert set(given) == set(re.findall("^([A-Z_]+) ", settings.__doc__ or "", re.MULTILINE))


@pytest.mark.parametrize("name", ["GATEWAY_PORT", "CLICKLAKE_LIVE_PORT", "CLICKLAKE_MAX_BUFFER_SECONDS"])
def test_value_that_is_not_a_number_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(SystemExit, match=f"{name} must be a number, not 'many'"):
        read_settings({"CLICKLAKE_STATE_DIR": str(tmp_path), **KEYS, name: "many"})


@pytest.mark.parametrize("given", [{}, {"CLICKLAKE_STATE_DIR": ""}])
def test_missing_state_directory_is_named(given: dict[str, str]) -> None:
    with pytest.raises(SystemExit, match="CLICKLAKE_STATE_DIR"):
        read_settings(given)


@pytest.mark.parametrize("key", ["", "test", "000000000000", "123456789012"])
def test_key_that_ministack_trusts_blindly_is_refused(tmp_path: Path, key: str) -> None:
    given = {"CLICKLAKE_STATE_DIR": str(tmp_path), **KEYS, "CLICKLAKE_ACCESS_KEY_ID": key}
    with pytest.raises(SystemExit, match="CLICKLAKE_ACCESS_KEY_ID must be set"):
        read_settings(given)


def test_missing_secret_is_named_and_the_secret_is_never_shown(tmp_path: Path) -> None:
    given = {"CLICKLAKE_STATE_DIR": str(tmp_path), **KEYS}
    assert "a secret" not in repr(read_settings(given))
    with pytest.raises(SystemExit, match="CLICKLAKE_SECRET_ACCESS_KEY must be set"):
        read_settings(given | {"CLICKLAKE_SECRET_ACCESS_KEY": ""})
