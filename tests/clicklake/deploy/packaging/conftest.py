"""The package that `zappa package dev` makes: one for Lambda, one for an emulator on this machine."""

import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.support.paths import ROOT

VENV = ROOT / ".run" / "envs" / "ingest"


def package(folder: Path, **variables: str) -> Path:
    """Run the command as a user does: in the checkout, in the ingest environment, without AWS credentials."""
    target = folder / "package.zip"
    env = {"PATH": f"{VENV / 'bin'}:{os.environ['PATH']}", "VIRTUAL_ENV": str(VENV), "TMPDIR": str(folder)}
    env |= {"HOME": os.environ["HOME"], **variables}  # for the cache and the settings of pip
    env |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    command = ["zappa", "package", "dev", "--json", "--output", str(target)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


@pytest.fixture(scope="session")
def for_lambda(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(package(tmp_path_factory.mktemp("for-lambda")))


@pytest.fixture(scope="session")
def for_here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpacked. Nothing connects to the address; it only shows that functions run on this machine."""
    folder = tmp_path_factory.mktemp("for-here")
    bundle = folder / "bundle"
    with zipfile.ZipFile(package(folder, AWS_ENDPOINT_URL="http://127.0.0.1:9")) as packed:
        packed.extractall(bundle)
    return bundle
