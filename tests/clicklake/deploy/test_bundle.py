"""The processor's bundle, as `make bundle` makes it for Lambda. whole_path/test_bundles.py runs it."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

AARCH64 = 183  # e_machine of an ELF file: refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
UNCHECKED_HASH = 0b01  # flags of a .pyc: peps.python.org/pep-0552
MAX_BYTES = 12_000_000
pytestmark = pytest.mark.e2e

PYTHON = ROOT / ".run/envs/cli/bin/python"


def bundle(target: Path, *options: str) -> Path:
    module = "clicklake.deploy.packaging.processor_bundle"
    command: list[str | Path] = [PYTHON, "-m", module, target, *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def files_of(folder: Path) -> dict[str, Path]:
    return {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def for_lambda(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle(tmp_path_factory.mktemp("bundle") / "processor")


def test_the_same_code_makes_the_same_bundle(for_lambda: Path, tmp_path: Path) -> None:
    once, again = files_of(for_lambda), files_of(bundle(tmp_path / "processor"))
    assert list(once) == list(again)  # also in the order in which the file system lists them
    for name, file in once.items():
        assert file.read_bytes() == again[name].read_bytes(), name
        assert file.stat().st_mtime == again[name].stat().st_mtime, name


def test_every_library_is_compiled_for_lambdas_machine(for_lambda: Path) -> None:
    libraries = [file for name, file in files_of(for_lambda).items() if ".so" in Path(name).suffixes]
    assert libraries
    for library in libraries:
        header = library.read_bytes()[:20]
        assert (header[:4], int.from_bytes(header[18:20], "little")) == (b"\x7fELF", AARCH64), library


def test_every_module_has_bytecode_that_is_never_compiled_again(for_lambda: Path) -> None:
    files = files_of(for_lambda)
    for source in (name for name in files if name.endswith(".py")):
        compiled = (
            Path(source).parent / "__pycache__" / f"{Path(source).stem}.{sys.implementation.cache_tag}.pyc"
        )
        header = files[compiled.as_posix()].read_bytes()[:8]
        assert (header[:4], header[4]) == (importlib.util.MAGIC_NUMBER, UNCHECKED_HASH), source


def test_the_bundle_contains_only_the_processor_and_its_libraries(for_lambda: Path) -> None:
    sources = (ROOT / "processor").rglob("*")
    written = {file.relative_to(ROOT).as_posix() for file in sources if file.suffix in (".py", ".json")}
    names = files_of(for_lambda)
    assert {name for name in names if name.startswith("processor/") and not name.endswith(".pyc")} == written
    assert not {"ingest_app", "tests", "bin", "web"} & {name.split("/")[0] for name in names}
    assert not any(".dist-info" in name for name in names)
    assert sum(file.stat().st_size for file in names.values()) <= MAX_BYTES


def test_the_bundle_names_its_runtime(for_lambda: Path) -> None:
    version = json.loads(
        subprocess.check_output([PYTHON, "-c", "import sys; print(list(sys.version_info[:2]))"])
    )
    runtime = (for_lambda.parent / "runtime").read_text()
    assert runtime == f"python{version[0]}.{version[1]}\n"
