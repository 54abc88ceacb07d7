"""The keys of a checkout, and the command that hands them to a shell."""

import json
import shlex
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from clicklake.cli.group import main
from clicklake.local.addresses import addresses_file, keys_of, read_addresses, write_private

ADDRESSES = {
    "s3": "http://127.0.0.1:4600",
    "accessKeyId": "AKIAEXAMPLE",
    "secretAccessKey": "it's secret",
}


def env(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["env", "--dir", str(folder), *options])


def exports_of(printed: str) -> dict[str, str]:
    words = [shlex.split(line) for line in printed.splitlines()]
    return dict(line[1].split("=", 1) for line in words if line[0] == "export")


def test_keys_are_made_once_per_folder_and_only_their_owner_can_read_them(tmp_path: Path) -> None:
    first, again = keys_of(tmp_path), keys_of(tmp_path)
    (tmp_path / "other").mkdir()
    other = keys_of(tmp_path / "other")
    assert first == again
    assert first.access_key_id != other.access_key_id
    assert first.secret_access_key != other.secret_access_key
    assert len(first.access_key_id) == 20
    assert len(first.secret_access_key) == 40
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert first.secret_access_key not in repr(first)


def test_a_leftover_with_wider_rights_does_not_widen_those_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "addresses.partial").write_text("of an interrupted start")
    (tmp_path / "addresses.partial").chmod(0o644)
    write_private(addresses_file(tmp_path), ADDRESSES)
    assert read_addresses(tmp_path) == ADDRESSES
    assert stat.S_IMODE(addresses_file(tmp_path).stat().st_mode) == 0o600


def test_env_prints_endpoint_region_and_keys_for_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    write_private(addresses_file(tmp_path), ADDRESSES)
    printed = env(tmp_path)
    exports = exports_of(printed.output)
    assert exports.pop("PATH").split(":")[0].endswith("/.run/bin")
    assert exports == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4600",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "it's secret",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    assert "unset AWS_PROFILE AWS_SESSION_TOKEN" in printed.output
    assert json.loads(env(tmp_path, "--json").output) == exports


def test_env_excludes_this_machine_from_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "intranet.example,localhost")
    write_private(addresses_file(tmp_path), ADDRESSES)
    exports = exports_of(env(tmp_path).output)
    assert exports["NO_PROXY"] == "intranet.example,localhost,127.0.0.1,::1"


def test_env_without_a_running_cloud_sets_nothing(tmp_path: Path) -> None:
    printed = env(tmp_path)
    assert (printed.exit_code, printed.stdout) == (2, "")
    assert printed.stderr == f"clicklake: no local cloud runs in {tmp_path}: start it with `make run`\n"
