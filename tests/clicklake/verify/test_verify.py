"""`clicklake verify` run whole on a deployed stage: every check is well, and nothing is left behind."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clicklake.verify.conftest import Verify, verify_command
from tests.support.checkout import Stage
from tests.support.emulator import objects, settled
from tests.support.landed import EVANGELINE, eventually
from tests.support.paths import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(900)]

PROCESSOR = "clicklake-processor-dev"
ALARMS = "clicklake-alarms-dev-"
START_SECONDS = 120


def processor_of(stage: Stage) -> dict[str, Any]:
    found = stage.client("lambda").get_function_configuration(FunctionName=PROCESSOR)
    return {name: found[name] for name in ("Handler", "Environment", "Timeout", "MemorySize", "Role")}


def alarm_states(stage: Stage) -> dict[str, str]:
    alarms = stage.client("cloudwatch").describe_alarms(AlarmNamePrefix=ALARMS)["MetricAlarms"]
    return {alarm["AlarmName"]: alarm["StateValue"] for alarm in alarms}


def versions_of(stage: Stage, prefix: str) -> list[str]:
    pages = (
        stage.client("s3").get_paginator("list_object_versions").paginate(Bucket=stage.bucket, Prefix=prefix)
    )
    return [each["Key"] for page in pages for each in page.get("Versions", [])]


def kept_file(stage: Stage) -> list[Path]:
    return [*(stage.checkout.folder / ".run" / "verify").glob("*")]


def report_of(folder: Path) -> tuple[dict[str, Any], str]:
    (document,), (page,) = [*folder.glob("clicklake-verify-dev-*.json")], [*folder.glob("*.md")]
    return json.loads(document.read_text()), page.read_text()


def test_every_check_is_well_and_nothing_is_left(deployed: Stage, verify: Verify, tmp_path: Path) -> None:
    visitor = deployed.put({"userId": "a-visitor", "mysfitId": EVANGELINE})
    deployed.line_of(visitor)
    before, states = processor_of(deployed), alarm_states(deployed)
    assert states
    done = verify("--item", EVANGELINE)
    document, page = report_of(tmp_path)
    assert done.returncode == 0, done.stderr
    rows = {row["what"]: row for row in document["rows"]}
    assert document["failed"] == 0
    skipped = {what for what, row in rows.items() if row["outcome"] == "skipped"}
    assert skipped == {"the dashboard without a password", "the dashboard with a wrong password"}
    assert "not deployed" in rows["the dashboard without a password"]["seen"]
    assert rows["the catalogue is down"]["seen"] == "unavailable"
    assert rows["the catalogue is up"]["seen"] == "found"
    assert rows["the processor raises an error"]["seen"] == "Lambda.FunctionError"
    assert {f"alarm {name.removeprefix(ALARMS).rpartition('-')[0]}" for name in states} <= rows.keys()
    assert page.count("\n| ") == len(rows) + 2
    assert deployed.bucket not in page + json.dumps(document)

    assert processor_of(deployed) == before
    assert alarm_states(deployed) == states
    assert kept_file(deployed) == []
    settled(deployed.checkout.emulator)
    bodies = [body for _, body in objects(deployed.checkout.emulator, deployed.bucket)]
    assert not [body for body in bodies if b"verify-" in body]
    assert versions_of(deployed, "columns/") == []
    assert "a-visitor" in [line.get("userId") for line in deployed.checkout.emulator.get("/delivered")]


def test_harmless_leaves_out_what_breaks(deployed: Stage, verify: Verify, tmp_path: Path) -> None:
    done = verify("--harmless", "--keep-events", "--json")
    document, _ = report_of(tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == document
    whats = [row["what"] for row in document["rows"]]
    assert "the catalogue is up" in whats
    for left_out in ("the catalogue is down", "replay", "erase", "the processor raises an error"):
        assert left_out not in whats
    assert not [what for what in whats if what.startswith("alarm ")]


def start(stage: Stage, folder: Path) -> "subprocess.Popen[str]":
    """Start it, and wait until it has broken the processor."""
    command = verify_command("--yes", "--out", os.fspath(folder))
    cache = {"XDG_CACHE_HOME": str(stage.checkout.folder / ".run" / "cache")}
    running = subprocess.Popen(
        command,
        cwd=stage.checkout.folder,
        env=stage.checkout.env | cache,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    before = processor_of(stage)
    assert eventually(
        lambda: processor_of(stage) != before or running.poll() is not None, seconds=START_SECONDS
    )
    assert running.poll() is None, running.communicate()[1]
    return running


def test_ctrl_c_puts_everything_back(deployed: Stage, tmp_path: Path) -> None:
    before = processor_of(deployed)
    running = start(deployed, tmp_path)
    running.send_signal(signal.SIGINT)
    _, printed = running.communicate(timeout=120)
    assert running.returncode == 130, printed
    assert processor_of(deployed) == before
    assert kept_file(deployed) == []
    report_of(tmp_path)


def test_a_killed_run_is_put_right_by_the_next(deployed: Stage, verify: Verify, tmp_path: Path) -> None:
    before = processor_of(deployed)
    killed = tmp_path / "killed"
    killed.mkdir()
    running = start(deployed, killed)
    running.kill()
    running.communicate()
    assert processor_of(deployed) != before
    (kept,) = kept_file(deployed)
    assert kept.stat().st_mode & 0o777 == 0o600
    done = verify("--harmless")
    assert done.returncode == 0, done.stderr
    assert "An earlier run was killed" in done.stderr
    assert processor_of(deployed) == before
    assert kept_file(deployed) == []


def test_a_stage_that_loses_clicks_fails(deployed: Stage, verify: Verify, tmp_path: Path) -> None:
    """Where the processor drops what it should deliver, the rows say so, and the exit code is 1."""
    functions, before = deployed.client("lambda"), processor_of(deployed)
    wrong = {"Variables": before["Environment"]["Variables"] | {"ITEM_ID_FIELD": "userId"}}
    functions.update_function_configuration(FunctionName=PROCESSOR, Environment=wrong)
    try:
        done = verify("--harmless")
    finally:
        functions.update_function_configuration(FunctionName=PROCESSOR, Environment=before["Environment"])
    document, _ = report_of(tmp_path)
    assert done.returncode == 1
    failed = {row["what"]: row["seen"] for row in document["rows"] if row["outcome"] == "failed"}
    assert "events are in failed/: Lambda.FunctionError" in failed["the lines"]


def test_the_page_of_the_json_lists_its_keys(verify: Verify, tmp_path: Path) -> None:
    section = (ROOT / "docs" / "json.md").read_text().split("\n### verify\n")[1].split("\n### ")[0]
    verify("--harmless")
    document, _ = report_of(tmp_path)
    for key in (*document, *document["rows"][0]):
        assert f"`{key}`" in section, key
