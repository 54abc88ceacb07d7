"""The package has what it needs and nothing else. It runs where nothing else is installed."""

import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from clicklake.deploy.packaging.ingest_bundle import RUNTIME
from clicklake.deploy.packaging.service_descriptions import OPERATIONS
from tests.clicklake.deploy.packaging.conftest import VENV
from tests.support.paths import ROOT

pytestmark = pytest.mark.e2e

MAX_PACKAGE_BYTES = 5_000_000
AARCH64 = 183  # e_machine of an ELF file: refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
UNCHECKED_HASH = 0b01  # flags of a .pyc: peps.python.org/pep-0552
REQUEST_CONTEXT = {"identity": {"sourceIp": "203.0.113.7"}, "stage": "dev"}

# Distributions whose name differs from that of their module.
MODULES = {"python-dateutil": "dateutil", "six": "six.py"}


def test_package_is_small(for_lambda: zipfile.ZipFile) -> None:
    assert Path(str(for_lambda.filename)).stat().st_size <= MAX_PACKAGE_BYTES


def test_package_has_the_app_its_libraries_and_nothing_else(for_lambda: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in for_lambda.namelist()}
    libraries = {MODULES.get(name, name) for name in RUNTIME}
    assert tops == libraries | {"ingest_app", "zappa_settings.py", "__pycache__"}


def test_only_code_and_data_of_the_app_are_shipped(for_lambda: zipfile.ZipFile) -> None:
    shipped = {
        name for name in for_lambda.namelist() if name.startswith("ingest_app/") and ".pyc" not in name
    }
    written = [*ROOT.glob("ingest_app/**/*.py"), *ROOT.glob("ingest_app/**/*.json")]
    assert shipped == {file.relative_to(ROOT).as_posix() for file in written}


def test_compiled_libraries_are_for_lambdas_machine(for_lambda: zipfile.ZipFile) -> None:
    libraries = [name for name in for_lambda.namelist() if ".so" in Path(name).suffixes]
    assert any(name.startswith("msgspec/") for name in libraries)
    for name in libraries:
        header = for_lambda.read(name)[:20]
        assert header[:4] == b"\x7fELF", name
        assert int.from_bytes(header[18:20], "little") == AARCH64, name


def test_every_module_has_bytecode_that_python_does_not_check(for_lambda: zipfile.ZipFile) -> None:
    ask = "import importlib.util, sys; print(importlib.util.MAGIC_NUMBER.hex(), sys.implementation.cache_tag)"
    magic, tag = subprocess.check_output([VENV / "bin" / "python", "-c", ask], text=True).split()
    names = set(for_lambda.namelist())
    for source in (name for name in names if name.endswith(".py")):
        folder, _, file = source.rpartition("/")
        compiled = f"{folder}/__pycache__/{file[:-3]}.{tag}.pyc".lstrip("/")
        assert compiled in names, source
        header = for_lambda.read(compiled)[:8]
        assert (header[:4].hex(), header[4]) == (magic, UNCHECKED_HASH), source
    assert sum(name.endswith(".pyc") for name in names) == sum(name.endswith(".py") for name in names)


def test_botocore_describes_only_what_the_app_calls(for_lambda: zipfile.ZipFile) -> None:
    below = {name.split("/")[2] for name in for_lambda.namelist() if name.startswith("botocore/data/")}
    assert {name for name in below if not name.endswith(".json")} == {*OPERATIONS}
    endpoints = json.loads(for_lambda.read("botocore/data/endpoints.json"))
    assert all(partition["services"].keys() <= {*OPERATIONS} for partition in endpoints["partitions"])
    assert any(partition["services"] for partition in endpoints["partitions"])


@pytest.mark.parametrize(
    ("method", "path", "status", "content_type"),
    [
        ("GET", "/health", 200, "application/json"),
        ("GET", "/openapi.json", 200, "application/json"),
        ("PUT", "/clicks", 400, "application/problem+json"),
        ("GET", "/nowhere", 404, "application/problem+json"),
    ],
)
def test_package_runs_alone(for_here: Path, method: str, path: str, status: int, content_type: str) -> None:
    answer = invoke(for_here, method, path, body="{}" if method == "PUT" else None)
    assert answer["statusCode"] == status
    assert answer["headers"]["Content-Type"].startswith(content_type)
    assert not answer.get("isBase64Encoded")
    assert json.loads(answer["body"])


def invoke(bundle: Path, method: str, path: str, body: str | None) -> Any:
    """Call the handler in a Python that has only the standard library and the package."""
    event = {
        "httpMethod": method,
        "path": path,
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "multiValueQueryStringParameters": None,
        "requestContext": REQUEST_CONTEXT,
        "body": body,
        "isBase64Encoded": False,
    }
    code = (
        f"import sys, json; sys.path.insert(0, {str(bundle)!r});"
        "from ingest_app.lambda_entry import lambda_handler;"
        "print(json.dumps(lambda_handler(json.load(sys.stdin), None)))"
    )
    env = {"CLICK_STREAM": "clicklake-dev", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    env |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    # -I: no user site packages and no PYTHON variables. -S: no site-packages.
    command = [str(VENV / "bin" / "python"), "-I", "-S", "-c", code]
    done = subprocess.run(
        command, env=env, input=json.dumps(event), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_package_starts_without_compiling(for_here: Path) -> None:
    """A source that no longer matches its bytecode changes nothing, so Python does not read it."""
    source = for_here / "ingest_app" / "settings.py"
    kept = source.read_text()
    source.write_text("raise SystemExit('compiled again')\n")
    try:
        assert invoke(for_here, "GET", "/health", None)["statusCode"] == 200
    finally:
        source.write_text(kept)
