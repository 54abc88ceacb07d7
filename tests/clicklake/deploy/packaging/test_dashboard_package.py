"""The dashboard's package: small, for Lambda's machine, without DuckDB, and it runs where nothing else is."""

import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from clicklake.deploy.packaging.dashboard_bundle import LIBRARIES, SERVICES
from tests.clicklake.deploy.packaging.conftest import VENV
from tests.support.paths import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

MAX_BYTES = 15_000_000
AARCH64 = 183  # e_machine of an ELF file: refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
MODULES = {"python-dateutil": "dateutil", "six": "six.py"}
NEEDED = ("app", "answers.athena_answers", "access.sign_in", "deployed.settings", "deployed.sender")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("dashboard")
    return zipfile.ZipFile(package(folder))


def package(folder: Path, **variables: str) -> Path:
    target = folder / "package.zip"
    env = {"PATH": f"{VENV / 'bin'}:{os.environ['PATH']}", "VIRTUAL_ENV": str(VENV), "TMPDIR": str(folder)}
    env |= {"HOME": os.environ["HOME"], **variables}
    env |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    command = ["zappa", "package", "dashboard_dev", "--json", "--output", str(target)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def test_package_is_small_and_has_no_duckdb(packed: zipfile.ZipFile) -> None:
    size = Path(str(packed.filename)).stat().st_size
    print(f"the dashboard's package has {size:,} bytes")
    assert size <= MAX_BYTES
    names = [name for name in packed.namelist() if not name.startswith("sqlglot/")]  # which has its dialect
    assert not [name for name in names if "duckdb" in name.lower()]


def test_package_has_its_libraries_and_nothing_else(packed: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in packed.namelist()}
    libraries = {MODULES.get(name, name) for names in LIBRARIES.values() for name in names}
    assert tops == libraries | {"clicklake", "processor", "zappa_settings.py", "__pycache__"}
    ours = {name.split("/")[1] for name in packed.namelist() if name.startswith("clicklake/")}
    assert ours - {"__init__.py", "errors.py", "__pycache__"} == {
        *("cli", "dashboard", "lake", "query", "report", "status", "tables"),
    }


def test_libraries_are_for_lambdas_machine(packed: zipfile.ZipFile) -> None:
    libraries = [name for name in packed.namelist() if ".so" in Path(name).suffixes]
    assert libraries
    for name in libraries:
        header = packed.read(name)[:20]
        assert (header[:4], int.from_bytes(header[18:20], "little")) == (b"\x7fELF", AARCH64), name


def test_botocore_describes_only_what_the_dashboard_calls(packed: zipfile.ZipFile) -> None:
    below = {name.split("/")[2] for name in packed.namelist() if name.startswith("botocore/data/")}
    assert {name for name in below if "." not in name} == {*SERVICES}


def test_package_imports_all_that_it_needs(tmp_path: Path) -> None:
    """In a Python that has only the standard library and the package, for this machine."""
    with zipfile.ZipFile(package(tmp_path, AWS_ENDPOINT_URL="http://127.0.0.1:9")) as archive:
        archive.extractall(tmp_path / "bundle")
    modules = ", ".join(f"clicklake.dashboard.{name}" for name in NEEDED)
    code = (
        f"import sys, json; sys.path.insert(0, {str(tmp_path / 'bundle')!r}); import {modules}\n"
        "from zoneinfo import ZoneInfo; from clicklake.report.words import country_name\n"
        "import tzdata, zappa.handler\n"
        "print(json.dumps([country_name('DE'), str(ZoneInfo('Asia/Kolkata')), *sorted(sys.modules)]))"
    )
    command = [str(VENV / "bin" / "python"), "-I", "-S", "-c", code]
    done = subprocess.run(command, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    country, zone, *imported = json.loads(done.stdout.splitlines()[-1])
    assert (country, zone) == ("Germany", "Asia/Kolkata")
    assert not {"duckdb", "rich", "waitress", "pytz"} & {*imported}


def test_entry_point_answers_http_events_only() -> None:
    files = (ROOT / "tests/data/other-events").glob("*.json")
    others: list[Any] = [json.loads(file.read_text()) for file in files]
    code = (
        "import sys, json, types\n"
        "handler = types.ModuleType('zappa.handler')\n"
        "answer = staticmethod(lambda *_: {'statusCode': 200})\n"
        "handler.LambdaHandler = type('Handler', (), {'lambda_handler': answer})\n"
        "sys.modules['zappa.handler'] = handler\n"
        "from clicklake.dashboard.deployed.lambda_entry import lambda_handler\n"
        "print(json.dumps([lambda_handler(event, None) for event in json.load(sys.stdin)]))"
    )
    rest: dict[str, Any] = {"httpMethod": "GET", "path": "/", "requestContext": {"path": "/dashboard_dev"}}
    rest |= {"multiValueQueryStringParameters": {"is": ["a:1", "b:2"]}}
    http: dict[str, Any] = {"version": "2.0", "rawPath": "/dashboard_dev", "rawQueryString": "period=today"}
    http |= {"requestContext": {"http": {"method": "GET"}, "stage": "dashboard_dev"}}
    whole = [rest | {"requestContext": {"path": "/dashboard_dev/"}}, http | {"rawPath": "/dashboard_dev/"}]
    done = subprocess.run(
        [str(ROOT / ".run/envs/test/bin/python"), "-c", code],
        cwd=ROOT,
        input=json.dumps([*others, rest, http, *whole]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *refused, from_rest, from_http, passed, also_passed = json.loads(done.stdout.splitlines()[-1])
    assert [[*answer] for answer in refused] == [["refused"]] * len(others)
    assert from_rest["headers"]["Location"] == "/dashboard_dev/?is=a%3A1&is=b%3A2"
    assert from_http["headers"]["Location"] == "/dashboard_dev/?period=today"
    assert passed == also_passed == {"statusCode": 200}
