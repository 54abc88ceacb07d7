"""What an operator runs against the local cloud of `make run`: is it well, and does it do what it should?"""

import json
import os
import subprocess
from pathlib import Path

import pytest
import requests

from tests.support.landed import EVANGELINE, Lake
from tests.support.paths import ENVS, ROOT

pytestmark = pytest.mark.e2e

CLICKLAKE = [str(ENVS / "cli" / "bin" / "python"), "-m", "clicklake"]


@pytest.fixture
def stage(addresses: dict[str, str]) -> str:
    if "s3" not in addresses:
        pytest.skip("only the local cloud has the stage dev for sure")
    return "dev"


def run(aws_env: dict[str, str], cache: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = aws_env | {"XDG_CACHE_HOME": os.fspath(cache)}
    return subprocess.run([*CLICKLAKE, *words], cwd=ROOT, env=environment, capture_output=True, text=True)


def test_the_status_of_the_local_cloud_is_well(
    stage: str, api: str, lake: Lake, aws_env: dict[str, str], tmp_path: Path
) -> None:
    answer = requests.put(f"{api}/clicks", json={"mysfitId": EVANGELINE}, timeout=30)
    lake.line_of(answer.json()["receipts"][0]["eventId"])
    done = run(aws_env, tmp_path, "status", "--stage", stage, "--json")
    status = json.loads(done.stdout)
    # Tests before this one may have left failed records in the same lake.
    others = [each for each in status["attention"] if "failed" not in each["what"]]
    assert others == [], done.stdout + done.stderr
    assert bool(status["attention"]) == bool(status["failures"]["objects"])
    assert done.returncode == bool(status["attention"])
    assert status["recent"]["delivered"] >= 1
    assert status["delivery"]["clicks"]
    assert status["versions"]["deployed"]["processor"]["version"] == status["versions"]["checkout"]
    assert status["refused"] == {}


@pytest.mark.long
@pytest.mark.timeout(300)
def test_the_local_cloud_is_proved_by_its_address(
    stage: str, api: str, aws_env: dict[str, str], tmp_path: Path
) -> None:
    """Zappa did not deploy it, and it has no alarms: the rows say so."""
    done = run(aws_env, tmp_path, "verify", "--stage", stage, "--api", api, "--yes", "--out", str(tmp_path))
    (document,) = (json.loads(file.read_text()) for file in tmp_path.glob("clicklake-verify-*.json"))
    assert done.returncode == 0, done.stderr
    rows = {row["what"]: row for row in document["rows"]}
    assert rows["the alarms"]["seen"] == "this endpoint has no alarms of the stack clicklake-alarms-dev"
    assert rows["replay"]["outcome"] == rows["erase"]["outcome"] == "ok"
