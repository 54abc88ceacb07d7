"""`make bundle`: the processor, its libraries and their bytecode, in the folder that CodeUri names.

The same code makes the same folder, dates included. So a deployment of unchanged code changes nothing.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from clicklake.cli.checkout import ROOT
from clicklake.deploy.packaging.wheels import (
    bundle_command,
    check_no_markers,
    compile_all,
    copy_bundle,
    copy_dated,
    install,
)

PROCESSOR = ROOT / "processor"
SHIPPED_SUFFIXES = (".py", ".json")


def bundle_processor(target: Path, architecture: str | None) -> None:
    """Replace `target` with a bundle for this Python, on Lambda's `architecture`; None is this machine."""
    requirements = PROCESSOR / "requirements.txt"
    check_no_markers(requirements.read_text(), requirements)
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder)
        install(requirements, bundle, architecture)
        for file in PROCESSOR.rglob("*"):
            if file.suffix in SHIPPED_SUFFIXES:
                copy_dated(file, bundle / "processor" / file.relative_to(PROCESSOR))
        compile_all(bundle)
        copy_bundle(bundle, target)


if __name__ == "__main__":
    sys.exit(bundle_command("clicklake.deploy.packaging.processor_bundle", "processor", bundle_processor))
