"""Schemathesis tests the running app against its OpenAPI description, with all checks."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ingest_app.e2e.conftest import aws_environment
from tests.ingest_app.e2e.firehose_server import FirehoseServer
from tests.ingest_app.e2e.flask_run import FlaskRun
from tests.support.paths import ROOT

pytestmark = pytest.mark.e2e

CHECKS = ["--checks", "all", "--exclude-checks", "negative_data_rejection"]  # schemathesis_checks.py says why


def run_schemathesis(endpoint: str, folder: Path, phases: str, max_examples: int) -> str:
    app = FlaskRun(
        aws_environment(endpoint, VISITOR_KEY_TABLE="clicklake-visitor-key-dev", EDGE_SECRET="secret")
    )
    try:
        run = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                *("run", f"{app.url}/openapi.json", *CHECKS),
                *("--phases", phases, "--max-examples", str(max_examples)),
                *("--seed", "1", "--no-color", "--warnings", "off"),
            ],
            cwd=folder,
            env={
                "PYTHONPATH": str(ROOT),
                "SCHEMATHESIS_HOOKS": "tests.ingest_app.e2e.schemathesis_checks",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            capture_output=True,
            text=True,
        )
    finally:
        app.close()
    assert run.returncode == 0, run.stdout + run.stderr
    assert "RefusedInternalError" not in app.log
    return run.stdout


def count_cases(report: str) -> int:
    passed = re.search(r"(\d+) generated, (\d+) passed", report)
    assert passed, report
    assert passed[1] == passed[2]
    return int(passed[1])


def test_api_matches_its_description(firehose: FirehoseServer, tmp_path: Path) -> None:
    report = run_schemathesis(firehose.url, tmp_path, "examples,fuzzing", max_examples=10)
    assert count_cases(report) >= 100


@pytest.mark.long
@pytest.mark.timeout(600)
def test_api_matches_its_description_in_5000_cases(firehose: FirehoseServer, tmp_path: Path) -> None:
    report = run_schemathesis(firehose.url, tmp_path, "examples,coverage,fuzzing", max_examples=420)
    assert count_cases(report) >= 5000
