"""`clicklake verify` on a stage with a dashboard: its log-in with no, a wrong and the right password."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clicklake.verify.conftest import Verify
from tests.support.checkout import Stage
from tests.support.paths import ENVS

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(900)]

PASSWORD = "seven sleepy sphinxes"
CLOSED, REFUSED, OPENED = (
    f"the dashboard {how}" for how in ("without a password", "with a wrong password", "with its password")
)


@pytest.fixture(scope="module")
def with_dashboard(deployed: Stage) -> Iterator[Stage]:
    """The stage with a dashboard that has no password yet.

    The verifications keep their events, so this file runs after test_verify.py, which finds none.
    """
    deployed.checkout.make("deploy", "STAGE=dev", "YES=1", "DASHBOARD=1")
    yield deployed
    deployed.checkout.zappa("undeploy", "dashboard_dev", "--yes")
    deployed.client("cloudformation").delete_stack(StackName="clicklake-reader-dev")
    deployed.checkout.make("deploy", "STAGE=dev", "YES=1")


def set_password(stage: Stage) -> None:
    command = [str(ENVS / "cli/bin/python"), "-m", "clicklake", "dashboard-password", "--stage", "dev"]
    subprocess.run(
        command,
        cwd=stage.checkout.folder,
        env=stage.checkout.env,
        input=f"{PASSWORD}\n",
        text=True,
        capture_output=True,
        check=True,
    )


def dashboard_rows(
    done: "subprocess.CompletedProcess[str]", folder: Path, code: int = 0
) -> dict[str, dict[str, Any]]:
    """Return the outcome and the words of the rows about the dashboard. No file has the password."""
    assert done.returncode == code, done.stdout + done.stderr
    written = [file.read_text() for file in folder.glob("clicklake-verify-dev-*")]
    assert len(written) == 2
    assert not [text for text in (*written, done.stdout, done.stderr) if PASSWORD in text]
    (document,) = (json.loads(file.read_text()) for file in folder.glob("clicklake-verify-dev-*.json"))
    return {row["what"]: row for row in document["rows"] if row["what"].startswith("the dashboard")}


def outcomes(rows: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {what: row["outcome"] for what, row in rows.items()}


def test_the_log_in_is_tried_with_no_a_wrong_and_the_right_password(
    with_dashboard: Stage, verify: Verify, tmp_path: Path
) -> None:
    def run(name: str, code: int = 0, **environment: str) -> dict[str, dict[str, Any]]:
        folder = tmp_path / name
        folder.mkdir()
        done = verify("--harmless", "--keep-events", "--out", os.fspath(folder), **environment)
        return dashboard_rows(done, folder, code)

    before = run("no password is set")
    assert outcomes(before) == {CLOSED: "skipped", REFUSED: "skipped"}
    assert "clicklake dashboard-password" in before[CLOSED]["seen"]

    set_password(with_dashboard)
    without = run("none given")
    assert outcomes(without) == {CLOSED: "ok", REFUSED: "ok"}
    assert without[CLOSED]["seen"].startswith("303 ")
    assert "panel 401" in without[CLOSED]["seen"]
    assert without[REFUSED]["seen"].startswith("401")

    right = run("the right one", CLICKLAKE_DASHBOARD_PASSWORD=PASSWORD)
    assert outcomes(right) == {CLOSED: "ok", REFUSED: "ok", OPENED: "ok"}
    assert right[OPENED]["seen"] == "303, then 200"

    wrong = run("another one", code=1, CLICKLAKE_DASHBOARD_PASSWORD="eight awake sphinxes")
    assert outcomes(wrong) == {CLOSED: "ok", REFUSED: "ok", OPENED: "failed"}
    assert wrong[OPENED]["seen"].startswith("401")
