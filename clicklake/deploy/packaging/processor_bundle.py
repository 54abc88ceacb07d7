"""`make bundle`: the processor, its libraries and their bytecode, in the folder that CodeUri names.

The same code makes the same folder, dates included. So a deployment of unchanged code changes nothing.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from clicklake.cli.checkout import ROOT
from clicklake.deploy.aws import DeployError
from clicklake.deploy.packaging.wheels import PYTHON, WHEEL_MACHINES, compile_all, install

PROCESSOR = ROOT / "processor"
SHIPPED_SUFFIXES = (".py", ".json")
FIXED_DATE = 946_684_800  # 2000-01-01: an upload is named by a hash of its bytes, which include the dates


def bundle_processor(target: Path, architecture: str | None) -> None:
    """Replace `target` with a bundle for this Python, on Lambda's `architecture`; None is this machine."""
    requirements = PROCESSOR / "requirements.txt"
    if any(";" in line.split("#")[0] for line in requirements.read_text().splitlines()):
        raise DeployError(
            f"{requirements} has an environment marker, which pip would evaluate for this machine"
        )
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder)
        install(requirements, bundle, architecture)
        for file in PROCESSOR.rglob("*"):
            if file.suffix in SHIPPED_SUFFIXES:
                _copy(file, bundle / "processor" / file.relative_to(PROCESSOR))
        compile_all(bundle)
        for file in sorted(filter(Path.is_file, bundle.rglob("*"))):
            if _is_needed(file.relative_to(bundle)):
                _copy(file, target / file.relative_to(bundle))


def _is_needed(file: Path) -> bool:
    """Leave out pip's records and command-line scripts: they hold the path of the temporary folder."""
    return file.parts[0] != "bin" and not file.parts[0].endswith(".dist-info")


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
    os.utime(target, (FIXED_DATE, FIXED_DATE))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m clicklake.deploy.packaging.processor_bundle", description="Bundle the processor."
    )
    parser.add_argument("target", type=Path, help="the folder to make: build/processor for the template")
    machine = parser.add_mutually_exclusive_group()
    machine.add_argument(
        "--architecture", choices=WHEEL_MACHINES, default="arm64", help="the function's architecture"
    )
    machine.add_argument("--here", action="store_true", help="for an emulator on this machine")
    options = parser.parse_args()
    try:
        bundle_processor(options.target, None if options.here else options.architecture)
        (options.target.parent / "runtime").write_text(f"python{PYTHON}\n")
    except (DeployError, OSError) as error:
        print(f"clicklake: {error}", file=sys.stderr)
        return 2
    machine_name = "this machine" if options.here else options.architecture
    print(f"{options.target}: for python{PYTHON} on {machine_name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
