"""The ingest app's bundle: the app, the libraries that it imports, and their bytecode. Nothing else.

Zappa runs this in the environment that it deploys from, so most libraries are copied from there.
"""

import shutil
import tempfile
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path, PurePath

from clicklake.deploy.packaging.service_descriptions import is_description, trim_descriptions
from clicklake.deploy.packaging.wheels import compile_all, install

APP = Path("ingest_app")
REQUIREMENTS = APP / "requirements.txt"

# The libraries that the app imports, and theirs. The rest of requirements.txt is for deployment.
RUNTIME = (
    *("flask", "blinker", "click", "itsdangerous", "jinja2", "markupsafe", "werkzeug"),
    *("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"),
    *("zappa", "durationpy"),
    "msgspec",
)

# Parts of these that no request needs: Zappa's deployment code, boto3's resources, and time zones that Linux
# has.
UNUSED = (
    *("zappa/cli.py", "zappa/core.py", "zappa/letsencrypt.py", "zappa/ext/", "zappa/policies/"),
    *("boto3/data/", "boto3/examples/", "dateutil/zoneinfo/dateutil-zoneinfo.tar.gz"),
)


def bundle_ingest(bundle: Path, architecture: str | None) -> None:
    """Fill the folder for Lambda's `architecture`; None is this machine."""
    for file in APP.rglob("*"):
        if file.suffix in (".py", ".json"):
            _copy(file, bundle / file)
    libraries = [distribution(name) for name in RUNTIME]
    foreign = [library for library in libraries if _is_compiled(library)] if architecture else []
    for library in libraries:
        if library not in foreign:
            _copy_library(library, bundle)
    if foreign and architecture:
        _install_for_lambda(foreign, bundle, architecture)
    trim_descriptions(bundle)
    compile_all(bundle)


def write_zip(bundle: Path, target: Path) -> None:
    """Write the folder as a zip that depends only on its files' names and bytes, not on their dates."""
    with zipfile.ZipFile(target, "w") as package:
        for file in sorted(filter(Path.is_file, bundle.rglob("*"))):
            entry = zipfile.ZipInfo(file.relative_to(bundle).as_posix())  # dated 1980 by default
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            package.writestr(entry, file.read_bytes())


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
    if path.startswith("botocore/data/"):  # descriptions of 440 services; the app calls two
        # Without Firehose's endpoint rule set, botocore takes the endpoint from endpoints.json, which saves
        # 20 µs a call. It is the same endpoint (compared for 15 regions; not for dual-stack in isolated
        # partitions).
        return len(file.parts) == 3 or is_description(file)
    return True


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)


def _install_for_lambda(libraries: list[Distribution], bundle: Path, architecture: str) -> None:
    """Install compiled libraries for Lambda's platform, in the same versions, checked by the same hashes.

    Zappa's own way (`use_precompiled_packages`) checks no hash. If it finds no wheel, it ships this machine's
    library without a warning.
    """
    names = {library.name.lower() for library in libraries}
    lines = REQUIREMENTS.read_text().replace("\\\n", " ").splitlines()
    with tempfile.TemporaryDirectory() as folder:
        requirements, site = Path(folder, "requirements.txt"), Path(folder, "site-packages")
        requirements.write_text("\n".join(line for line in lines if line.partition("==")[0] in names))
        install(requirements, site, architecture)
        for file in filter(Path.is_file, site.rglob("*")):
            if _is_needed(file.relative_to(site)):
                _copy(file, bundle / file.relative_to(site))
