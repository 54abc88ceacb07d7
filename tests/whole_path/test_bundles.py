"""The bundles of the processor and the keeper run where nothing else is installed.

No emulator is used: it runs functions beside its own packages, which would hide what a bundle lacks.
"""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.e2e

ENVELOPE = ROOT / "tests" / "data" / "envelopes" / "v1-full.json"


def run_alone(bundle: Path, code: str, *, env: dict[str, str], stdin: str = "") -> Any:
    """Run the code in a Python that sees only the standard library and the bundle. Return its JSON output."""
    program = f"import sys; sys.path.insert(0, {str(bundle)!r}); {code}"
    # -I: no environment, no user site; -S: no site-packages.
    command = [sys.executable, "-I", "-S", "-c", program]
    done = subprocess.run(command, env=env, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_processor_answers_in_an_empty_environment() -> None:
    record = {"recordId": "1", "approximateArrivalTimestamp": 1795487882123}
    event = {
        "invocationId": "i",
        "deliveryStreamArn": "arn:aws:firehose:us-east-1:000000000000:deliverystream/clicklake-dev",
        "region": "us-east-1",
        "records": [record | {"data": base64.b64encode(ENVELOPE.read_bytes()).decode()}],
    }
    code = (
        "import json; from types import SimpleNamespace; from processor.handler import lambda_handler;"
        "context = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000, function_name='processor');"
        "print(json.dumps(lambda_handler(json.load(sys.stdin), context)))"
    )
    bundle = ROOT / ".run" / "stage" / "build" / "processor"
    answer = run_alone(bundle, code, env={"CATALOGUE_URL": ""}, stdin=json.dumps(event))
    (result,) = answer["records"]
    assert (result["recordId"], result["result"]) == ("1", "Ok")
    lines = [json.loads(line) for line in base64.b64decode(result["data"]).splitlines()]
    assert [line["type"] for line in lines] == ["click", "pageview"]


def test_the_keeper_answers_in_an_empty_environment() -> None:
    code = (
        "import json; from clicklake.keeper.handler import KeeperError, lambda_handler\n"
        "try: lambda_handler({'job': 'clean'}, None)\n"
        "except KeeperError as error: print(json.dumps(str(error)))"
    )
    bundle = ROOT / ".run" / "stage" / "build" / "keeper"
    answer = run_alone(bundle, code, env={"BUCKET_NAME": "lake"})
    assert answer == "job is 'clean'; it must be one of compact, reconcile, key, mail, replay"


def test_the_keeper_has_its_prices_its_queries_and_time_zones_with_it() -> None:
    """Lambda's image need not have time zones."""
    code = (
        "import json, zoneinfo; zoneinfo.reset_tzpath(to=[])\n"
        "from clicklake.cost.estimate import estimate_stage\n"
        "from clicklake.keeper.mail import QUERIES, saved_query\n"
        "[saved_query(name) for name in QUERIES]\n"
        "zone = zoneinfo.ZoneInfo('America/Argentina/Salta')\n"
        "print(json.dumps([str(zone), estimate_stage('production').per_million_events > 0]))"
    )
    bundle = ROOT / ".run" / "stage" / "build" / "keeper"
    assert run_alone(bundle, code, env={}) == ["America/Argentina/Salta", True]
