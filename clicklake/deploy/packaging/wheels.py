"""What both bundles share: libraries for Lambda's platform, and bytecode that stays valid."""

import compileall
import subprocess
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

from clicklake.deploy.aws import DeployError

WHEEL_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"  # a bundle is for the Python that makes it
TASK_ROOT = "/var/task"  # where Lambda puts a function's code


def install(requirements: Path, target: Path, architecture: str | None) -> None:
    """Install the requirements by their hashes, for Lambda's `architecture`; None is this machine."""
    platform = []
    if architecture:
        platform = [
            *("--platform", f"manylinux2014_{WHEEL_MACHINES[architecture]}"),
            *("--python-version", PYTHON, "--only-binary", ":all:"),
        ]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    exact = ["--no-deps", "--require-hashes", "--requirement", str(requirements), "--target", str(target)]
    if subprocess.run([*pip, *exact, *platform], check=False).returncode:  # noqa: S603
        raise DeployError(f"pip could not install {requirements}; its output is above")


def compile_all(bundle: Path) -> None:
    """Compile every module to bytecode that Python never compares with its source.

    A zip keeps no exact dates, so the comparison would fail. Lambda's folder is read-only, so every cold
    start would then compile everything again (541 instead of 211 ms).
    """
    unchecked = PycInvalidationMode.UNCHECKED_HASH
    if not compileall.compile_dir(
        bundle, quiet=1, stripdir=str(bundle), prependdir=TASK_ROOT, invalidation_mode=unchecked
    ):
        raise DeployError("a file of the bundle does not compile; it is named above")
