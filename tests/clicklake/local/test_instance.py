"""One local cloud per folder, and one clear line where there can be none."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from clicklake.cli.group import main
from clicklake.local.addresses import addresses_file, write_private
from clicklake.local.instance import InstanceError, only_instance
from tests.support.paths import ROOT

ADDRESSES = {"site": "http://127.0.0.1:4600/site/index.html", "live": "http://127.0.0.1:4601/"}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What make prepares is there."""
    monkeypatch.setattr("clicklake.local.launcher.environment_python", lambda name: Path(sys.executable))
    monkeypatch.setattr("clicklake.local.launcher.emulator_lake_template", lambda: Path("lake.yaml"))


def run(folder: Path) -> Result:
    ports = ("--api-port", "0", "--s3-port", "0", "--live-port", "0", "--dashboard-port", "0")
    return CliRunner().invoke(main, ["run", "--dir", str(folder), *ports])


def first_step_of_make(folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    ports = ["--api-port", "0", "--s3-port", "0", "--live-port", "0", "--dashboard-port", "0"]
    command = [sys.executable, "-m", "clicklake.local.ports", *ports, "--dir", str(folder)]
    changed = os.environ | environment
    return subprocess.run(command, cwd=ROOT, env=changed, capture_output=True, text=True)


@pytest.mark.usefixtures("installed")
def test_second_start_says_where_the_first_one_is(tmp_path: Path) -> None:
    with only_instance(tmp_path):
        write_private(addresses_file(tmp_path), ADDRESSES)
        ended = run(tmp_path)
    assert (ended.exit_code, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert f"already running in {tmp_path} as process {os.getpid()}" in ended.stderr
    assert "site http://127.0.0.1:4600/site/index.html, live page http://127.0.0.1:4601/" in ended.stderr
    assert addresses_file(tmp_path).exists()  # the first one's


@pytest.mark.usefixtures("installed")
def test_second_start_during_the_first_one_says_so(tmp_path: Path) -> None:
    with only_instance(tmp_path):
        assert "it is still starting" in run(tmp_path).stderr


def test_lock_ends_with_its_holder(tmp_path: Path) -> None:
    for _ in range(2):
        with only_instance(tmp_path):
            assert (tmp_path / "run.lock").read_text() == str(os.getpid())


@pytest.mark.e2e
def test_lock_of_a_killed_process_does_not_stay(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, pathlib\n"
        "from clicklake.local.instance import only_instance\n"
        "with only_instance(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT)
    assert killed.returncode == -9
    with only_instance(tmp_path):
        pass


@pytest.mark.e2e
def test_make_says_so_before_it_installs_anything(tmp_path: Path) -> None:
    assert first_step_of_make(tmp_path).returncode == 0
    with only_instance(tmp_path):
        ended = first_step_of_make(tmp_path)
    assert ended.returncode == 2
    assert re.fullmatch(r"clicklake: already running in .* as process \d+: .*\n", ended.stderr)


@pytest.mark.usefixtures("installed")
def test_folder_that_cannot_be_written_to_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = run(tmp_path / "file" / "cloud")
    assert (ended.exit_code, ended.stderr.count("\n")) == (2, 1)
    assert f"cannot write to {tmp_path}/file/cloud: Not a directory" in ended.stderr


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a read-only file system: /proc")
def test_file_system_without_writing_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(InstanceError, match=r"cannot write to /proc/clicklake: "),
        only_instance(Path("/proc/clicklake")),
    ):
        pass


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["does not exist", "what?", "'quoted' \"name\"", "é\n"])
def test_tmpdir_that_does_not_exist_is_named_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / name))
    ended = run(tmp_path / "cloud")
    assert (ended.exit_code, ended.stderr.count("\n")) == (2, 1)
    assert ended.stderr.startswith("clicklake: TMPDIR=")
    assert "cannot be used: No such file or directory" in ended.stderr
    assert not (tmp_path / "cloud").exists()


@pytest.mark.e2e
@pytest.mark.parametrize("name", ["a space", "what?", "100%", "'quoted'"])
def test_tmpdir_with_odd_characters_is_fine(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert first_step_of_make(tmp_path / "cloud", TMPDIR=str(tmp_path / name)).returncode == 0
