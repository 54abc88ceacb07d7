"""What both bundles are made with: libraries for Lambda's machine, and bytecode that holds."""

import compileall
import subprocess
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

WHEEL_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"  # a bundle is for the Python that makes it
TASK_ROOT = "/var/task"  # where Lambda has a function's code


def install(requirements: Path, target: Path, architecture: str | None) -> None:
    """Install what the file lists, by its hashes, for Lambda's `architecture`; None is this machine."""
    machine = []
    if architecture:
        machine = [
            *("--platform", f"manylinux2014_{WHEEL_MACHINES[architecture]}"),
            *("--python-version", PYTHON, "--only-binary", ":all:"),
        ]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    exact = ["--no-deps", "--require-hashes", "--requirement", str(requirements), "--target", str(target)]
    subprocess.run([*pip, *exact, *machine], check=True)  # noqa: S603


def compile_all(bundle: Path) -> None:
    """Make bytecode that is never compared with its source.

    Compared, it would not match, as a zip keeps no exact date; and Lambda's folder cannot be written, so
    every cold start would compile everything again (541 instead of 211 ms).
    """
    unchecked = PycInvalidationMode.UNCHECKED_HASH
    if not compileall.compile_dir(
        bundle, quiet=1, stripdir=str(bundle), prependdir=TASK_ROOT, invalidation_mode=unchecked
    ):
        raise RuntimeError("a file of the bundle could not be compiled: it is named above")
