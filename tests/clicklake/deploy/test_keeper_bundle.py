"""The keeper's bundle, as `make bundle` makes it for Lambda. whole_path/test_bundles.py runs it."""

import io
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.clicklake.deploy.test_bundle import AARCH64, PYTHON, files_of
from tests.support.paths import ROOT

pytestmark = pytest.mark.e2e

MAX_ZIPPED_BYTES = 30_000_000
OURS = (*("cli", "compact", "cost", "keeper", "lake", "privacy", "query", "reconcile", "replay", "tables"),)
DATA = (
    *("clicklake/query/sql/totals.sql", "clicklake/query/views.sql", "clicklake/cost/prices.json"),
    *("benchmarks/results.json", "cloudformation/alarms.yaml", "zappa_settings.json"),
)


@pytest.fixture(scope="module")
def for_lambda(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("bundle") / "keeper"
    command: list[str | Path] = [PYTHON, "-m", "clicklake.deploy.packaging.keeper_bundle", target]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def test_the_bundle_is_small_enough(for_lambda: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
        for name, file in files_of(for_lambda).items():
            package.write(file, name)
    assert len(packed.getvalue()) <= MAX_ZIPPED_BYTES


def test_every_library_is_compiled_for_lambdas_machine(for_lambda: Path) -> None:
    libraries = [file for name, file in files_of(for_lambda).items() if ".so" in Path(name).suffixes]
    assert any("duckdb" in library.name for library in libraries)
    for library in libraries:
        header = library.read_bytes()[:20]
        assert (header[:4], int.from_bytes(header[18:20], "little")) == (b"\x7fELF", AARCH64), library


def test_the_bundle_contains_what_the_keeper_imports_and_no_other_command(for_lambda: Path) -> None:
    names = files_of(for_lambda)
    folders = {name.split("/")[1] for name in names if name.startswith("clicklake/") and name.count("/") > 1}
    assert folders - {"__pycache__"} == set(OURS)
    assert [name for name in DATA if name not in names] == []
    assert not {"ingest_app", "tests", "bin", "web", "awscli"} & {name.split("/")[0] for name in names}
    services = {name.split("/")[2] for name in names if name.startswith("botocore/data/")}
    assert {name for name in services if "." not in name} == {
        *("dynamodb", "firehose", "lambda", "s3", "sns")
    }


def test_files_have_one_date_and_pips_records_are_left_out(for_lambda: Path) -> None:
    names = files_of(for_lambda)
    assert len({file.stat().st_mtime for file in names.values()}) == 1
    (record,) = (name for name in names if ".dist-info/" in name)
    assert record.startswith("duckdb-")
    assert record.endswith("/METADATA")
