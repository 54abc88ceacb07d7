"""`make bundle`: the keeper, the libraries that it imports and their bytecode, where CodeUri names them.

The keeper is a part of the `clicklake` command, so its libraries are some of those in
clicklake/requirements.txt. The same code makes the same folder, dates included.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from clicklake.cli.checkout import ROOT
from clicklake.deploy.packaging.service_descriptions import trim_services
from clicklake.deploy.packaging.wheels import (
    bundle_command,
    check_no_markers,
    compile_all,
    copy_bundle,
    copy_dated,
    install,
)

REQUIREMENTS = ROOT / "clicklake" / "requirements.txt"
# Without rich's own libraries, which only its Markdown and its syntax colours need.
LIBRARIES = (
    *("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"),
    *("click", "duckdb", "isal", "msgspec", "pybase64", "rich", "sqlglot", "tzdata"),
)
SOURCES = (
    *("clicklake/__init__.py", "clicklake/errors.py", "clicklake/cli", "clicklake/compact"),
    *("clicklake/cost", "clicklake/keeper", "clicklake/lake", "clicklake/privacy", "clicklake/query"),
    *("clicklake/reconcile", "clicklake/replay", "clicklake/tables"),
    *("processor/__init__.py", "processor/enriched_event.py", "processor/settings.py"),
    # What the mail's cost is computed from.
    *("benchmarks/results.json", "cloudformation/alarms.yaml", "zappa_settings.json"),
)
SUFFIXES = (".py", ".sql", ".json", ".yaml")
SERVICES = ("dynamodb", "firehose", "lambda", "s3", "sns")
UNUSED = ("boto3/data/", "boto3/examples/", "dateutil/zoneinfo/dateutil-zoneinfo.tar.gz")


def bundle_keeper(target: Path, architecture: str | None) -> None:
    """Replace `target` with a bundle for this Python, on Lambda's `architecture`; None is this machine."""
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as pins:
        bundle, requirements = Path(folder), Path(pins, "requirements.txt")
        requirements.write_text(_pins())
        install(requirements, bundle, architecture)
        for source in SOURCES:
            for file in [ROOT / source, *(ROOT / source).rglob("*")]:
                if file.is_file() and file.suffix in SUFFIXES:
                    copy_dated(file, bundle / file.relative_to(ROOT))
        trim_services(bundle, SERVICES)
        compile_all(bundle)
        copy_bundle(bundle, target, UNUSED)


def _pins() -> str:
    """Return the lines of requirements.txt that pin the keeper's libraries, with their hashes."""
    lines = REQUIREMENTS.read_text().replace("\\\n", " ").splitlines()
    pins = "\n".join(line for line in lines if line.partition("==")[0] in LIBRARIES)
    check_no_markers(pins, REQUIREMENTS)
    return pins


if __name__ == "__main__":
    sys.exit(bundle_command("clicklake.deploy.packaging.keeper_bundle", "keeper", bundle_keeper))
