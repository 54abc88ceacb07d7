"""What Zappa calls as it deploys (`callbacks` in zappa_settings.json): where its package goes, what is in it.

Zappa packs the whole checkout and the whole virtual environment: 28.7 MB, with whatever lies in the checkout,
with libraries compiled for the machine that deploys, with bytecode that Lambda rejects at every cold start.
So the settings tell it to copy nothing (`"exclude": ["*"]`), and the package is filled here: with what is
listed and no more, for Lambda's machine, with bytecode that holds.
"""

import shutil
import sys
import tempfile
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path, PurePath
from typing import Any

import boto3

sys.path.append(str(Path(__file__).resolve().parents[3]))  # Zappa loads this file alone, by its path

from clicklake.deploy.names import artifacts_bucket
from clicklake.deploy.packaging.service_descriptions import is_description, trim_descriptions
from clicklake.deploy.packaging.wheels import compile_all, install
from clicklake.deploy.target import is_of_this_machine

APP = Path("ingest_app")
REQUIREMENTS = APP / "requirements.txt"

# What the app imports when it runs, and what that imports. The rest of requirements.txt is for deploying.
RUNTIME = (
    *("flask", "blinker", "click", "itsdangerous", "jinja2", "markupsafe", "werkzeug"),
    *("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"),
    *("zappa", "durationpy"),
    "msgspec",
)

# Parts of these that no request reaches: what deploys, boto3's resources, time zones that Linux has itself.
UNUSED = (
    *("zappa/cli.py", "zappa/core.py", "zappa/letsencrypt.py", "zappa/ext/", "zappa/policies/"),
    *("boto3/data/", "boto3/examples/", "dateutil/zoneinfo/dateutil-zoneinfo.tar.gz"),
)


def name_bucket(cli: Any) -> None:
    """Give uploads one bucket per account and region.

    Without `s3_bucket` Zappa makes a new one each time, and leaves it; a committed name would be only one's.
    """
    if cli.command in ("deploy", "update") and "s3_bucket" not in cli.stage_config:
        session = cli.zappa.boto_session
        account = session.client("sts").get_caller_identity()["Account"]
        cli.s3_bucket_name = artifacts_bucket(account, session.region_name)


def fill_package(cli: Any) -> None:
    """Put the app and its libraries beside the settings module that Zappa wrote."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder)
        with zipfile.ZipFile(cli.zip_path) as package:
            package.extract("zappa_settings.py", bundle)
        _copy_app(bundle)
        libraries = [distribution(name) for name in RUNTIME]
        foreign = [] if _runs_here(cli) else [library for library in libraries if _is_compiled(library)]
        for library in libraries:
            if library not in foreign:
                _copy_library(library, bundle)
        if foreign:
            _fetch_for_lambda(foreign, bundle, cli.architecture)
        trim_descriptions(bundle)
        compile_all(bundle)
        _write_zip(bundle, Path(cli.zip_path))


def _runs_here(cli: Any) -> bool:
    """Whether functions run on this machine, under this Python: an emulator's do."""
    session = boto3.Session(profile_name=cli.profile_name)
    lambda_api = session.client("lambda", region_name=session.region_name or "us-east-1")
    return is_of_this_machine(lambda_api.meta.endpoint_url)


def _copy_app(bundle: Path) -> None:
    for file in APP.rglob("*"):
        if file.suffix in (".py", ".json"):
            _copy(file, bundle / file)


def _is_compiled(library: Distribution) -> bool:
    return any(file.suffix in (".so", ".pyd") for file in library.files or ())


def _copy_library(library: Distribution, bundle: Path) -> None:
    for file in library.files or ():
        if _is_needed(file):
            _copy(Path(str(library.locate_file(file))), bundle / file)


def _is_needed(file: PurePath) -> bool:
    path = file.as_posix()
    if file.suffix == ".pyc" or path.startswith(("../", *UNUSED)) or ".dist-info/" in path:
        return False
    if path.startswith("botocore/data/"):  # descriptions of 440 services, of which the app calls two
        # By its rule set botocore would find the endpoint anew for each call: 20 µs. Without it the
        # endpoint is that of endpoints.json, the same (15 regions compared; not dual-stack in isolated ones).
        return len(file.parts) == 3 or is_description(file)
    return True


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)


def _fetch_for_lambda(libraries: list[Distribution], bundle: Path, architecture: str) -> None:
    """Install what is compiled for Lambda's machine: the same versions, checked by the same hashes.

    Zappa's own way (`use_precompiled_packages`) checks no hash, and without a word ships this machine's where
    it finds no wheel.
    """
    names = {library.name.lower() for library in libraries}
    lines = REQUIREMENTS.read_text().replace("\\\n", " ").splitlines()
    with tempfile.TemporaryDirectory() as folder:
        wanted, site = Path(folder, "requirements.txt"), Path(folder, "site-packages")
        wanted.write_text("\n".join(line for line in lines if line.partition("==")[0] in names))
        install(wanted, site, architecture)
        for file in filter(Path.is_file, site.rglob("*")):
            if _is_needed(file.relative_to(site)):
                _copy(file, bundle / file.relative_to(site))


def _write_zip(bundle: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w") as package:
        for file in sorted(filter(Path.is_file, bundle.rglob("*"))):
            entry = zipfile.ZipInfo(file.relative_to(bundle).as_posix())  # of 1980, whenever it was made
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            package.writestr(entry, file.read_bytes())
