"""`make bundle`: the processor, its libraries and their bytecode, in the folder that CodeUri names.

The same code makes the same folder, dates included, so that a deploy of what has not changed changes nothing.
"""

import argparse
import os
import shutil
import tempfile
from pathlib import Path

from clicklake.cli.checkout import ROOT
from clicklake.deploy.packaging.wheels import PYTHON, WHEEL_MACHINES, compile_all, install

PROCESSOR = ROOT / "processor"
SHIPPED = (".py", ".json")
SAME_DATE = 946_684_800  # 2000-01-01: an upload is named by its bytes, and dates are among them


def bundle_processor(target: Path, architecture: str | None) -> None:
    """Make `target` anew: for this Python, on Lambda's `architecture`; None is this machine."""
    requirements = PROCESSOR / "requirements.txt"
    if any(";" in line.split("#")[0] for line in requirements.read_text().splitlines()):
        raise SystemExit(
            f"{requirements} has a marker, which pip would read for this machine, not for Lambda's"
        )
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        install(requirements, made, architecture)
        for file in PROCESSOR.iterdir():
            if file.suffix in SHIPPED:
                _copy(file, made / "processor" / file.name)
        compile_all(made)
        for file in sorted(filter(Path.is_file, made.rglob("*"))):
            if _is_needed(file.relative_to(made)):
                _copy(file, target / file.relative_to(made))


def _is_needed(file: Path) -> bool:
    """Not what pip leaves for itself and for a command line, which names the folder that it was made in."""
    return file.parts[0] != "bin" and not file.parts[0].endswith(".dist-info")


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
    os.utime(target, (SAME_DATE, SAME_DATE))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m clicklake.deploy.packaging.processor_bundle", description="Bundle the processor."
    )
    parser.add_argument("target", type=Path, help="the folder to make: build/processor for the template")
    machine = parser.add_mutually_exclusive_group()
    machine.add_argument("--architecture", choices=WHEEL_MACHINES, default="arm64", help="of the function")
    machine.add_argument("--here", action="store_true", help="for an emulator on this machine")
    options = parser.parse_args()
    bundle_processor(options.target, None if options.here else options.architecture)
    (options.target.parent / "runtime").write_text(f"python{PYTHON}\n")
    print(
        f"{options.target}: for python{PYTHON} on {'this machine' if options.here else options.architecture}"
    )


if __name__ == "__main__":
    main()
