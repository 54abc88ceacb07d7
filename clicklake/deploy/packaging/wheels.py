"""What the bundles share: libraries for Lambda's platform, bytecode that stays valid, and fixed dates."""

import argparse
import compileall
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from py_compile import PycInvalidationMode

from clicklake.deploy.aws import DeployError

WHEEL_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"  # a bundle is for the Python that makes it
TASK_ROOT = "/var/task"  # where Lambda puts a function's code
# Names of platforms whose wheels run on Lambda. Python 3.11 has the oldest glibc there, 2.26.
PLATFORMS = ("manylinux2014", "manylinux_2_26")
FIXED_DATE = 946_684_800  # 2000-01-01: an upload is named by a hash of its bytes, which include the dates


def install(requirements: Path, target: Path, architecture: str | None) -> None:
    """Install the requirements by their hashes, for Lambda's `architecture`; None is this machine."""
    platform = []
    if architecture:
        platform = [f"--platform={name}_{WHEEL_MACHINES[architecture]}" for name in PLATFORMS]
        platform += ["--python-version", PYTHON, "--only-binary", ":all:"]
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


def check_no_markers(requirements: str, source: Path) -> None:
    """Raise DeployError for an environment marker, which pip would evaluate for this machine."""
    if any(";" in line.split("#")[0] for line in requirements.splitlines()):
        raise DeployError(f"{source} has an environment marker, which pip would evaluate for this machine")


def copy_dated(file: Path, target: Path) -> None:
    """Copy the file and give it the date that every file of a bundle has."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
    os.utime(target, (FIXED_DATE, FIXED_DATE))


def copy_bundle(bundle: Path, target: Path, unused: Iterable[str] = ()) -> None:
    """Copy what a function needs.

    pip's records and command-line scripts are left out: they hold the path of the temporary folder. DuckDB
    reads its version from its own METADATA.
    """
    skipped = ("bin/", *unused)
    for file in sorted(filter(Path.is_file, bundle.rglob("*"))):
        name = file.relative_to(bundle)
        is_record = name.parts[0].endswith(".dist-info") and not name.match("duckdb-*.dist-info/METADATA")
        if not is_record and not name.as_posix().startswith(skipped):
            copy_dated(file, target / name)


def bundle_command(module: str, what: str, make: Callable[[Path, str | None], None]) -> int:
    """Run the command line of a module that makes a bundle."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=f"Bundle the {what}.")
    parser.add_argument("target", type=Path, help=f"the folder to make: build/{what} for the template")
    machine = parser.add_mutually_exclusive_group()
    machine.add_argument(
        "--architecture", choices=WHEEL_MACHINES, default="arm64", help="the function's architecture"
    )
    machine.add_argument("--here", action="store_true", help="for an emulator on this machine")
    options = parser.parse_args()
    try:
        make(options.target, None if options.here else options.architecture)
        (options.target.parent / "runtime").write_text(f"python{PYTHON}\n")
    except (DeployError, OSError) as error:
        print(f"clicklake: {error}", file=sys.stderr)
        return 2
    print(
        f"{options.target}: for python{PYTHON} on {'this machine' if options.here else options.architecture}"
    )
    return 0
