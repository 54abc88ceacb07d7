"""The dashboard's bundle: its modules, the libraries that they import, and their bytecode. No DuckDB.

The dashboard is a part of the `clicklake` command, so its libraries are some of those in
clicklake/requirements.txt. Zappa and its handler's one library are those of the ingest app.
"""

import shutil
import tempfile
from pathlib import Path

from clicklake.cli.checkout import ROOT
from clicklake.deploy.packaging.service_descriptions import trim_services
from clicklake.deploy.packaging.wheels import check_no_markers, compile_all, install

LIBRARIES = {
    ROOT / "clicklake" / "requirements.txt": (
        *("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"),
        *("flask", "blinker", "click", "itsdangerous", "jinja2", "markupsafe", "werkzeug"),
        *("babel", "isal", "msgspec", "pybase64", "sqlglot", "tzdata"),
    ),
    ROOT / "ingest_app" / "requirements.txt": ("zappa", "durationpy"),
}
SOURCES = (
    *("clicklake/__init__.py", "clicklake/errors.py", "clicklake/dashboard", "clicklake/lake"),
    *(f"clicklake/cli/{name}.py" for name in ("__init__", "sanitize", "time_spans")),
    *(f"clicklake/tables/{name}.py" for name in ("__init__", "schema")),
    *(f"clicklake/query/{name}.py" for name in ("__init__", "athena_results", "athena_sql", "csv_rows")),
    *(f"clicklake/query/{name}.py" for name in ("filters", "local_time", "queries")),
    *("clicklake/query/views.sql", "clicklake/query/sql"),
    *(f"clicklake/report/{name}.py" for name in ("__init__", "charts", "panels", "timeline", "words")),
    *("clicklake/report/charts.css", "clicklake/report/panels.toml"),
    *(
        f"clicklake/status/{name}.py"
        for name in ("__init__", "kept", "lake_parts", "parts", "rights", "words")
    ),
    *(f"processor/{name}.py" for name in ("__init__", "enriched_event", "settings")),
)
UNSHIPPED = ("clicklake/dashboard/command.py", "clicklake/dashboard/answers/duckdb_answers.py")
SERVICES = ("athena", "glue", "s3")
UNUSED = (
    *("zappa/cli.py", "zappa/core.py", "zappa/letsencrypt.py", "zappa/ext/", "zappa/policies/"),
    *("boto3/data/", "boto3/examples/", "dateutil/zoneinfo/dateutil-zoneinfo.tar.gz", "bin/"),
    "babel/messages/",
)
LOCALES = ("en.dat", "root.dat")  # of babel: 30 MB are those of other languages


def bundle_dashboard(bundle: Path, architecture: str | None) -> None:
    """Fill the folder for Lambda's `architecture`; None is this machine."""
    with tempfile.TemporaryDirectory() as folder:
        for number, (requirements, names) in enumerate(LIBRARIES.items()):
            pins, site = Path(folder, f"{number}.txt"), Path(folder, f"{number}")
            pins.write_text(_pins(requirements, names))
            install(pins, site, architecture)
            for file in filter(Path.is_file, site.rglob("*")):
                if _is_shipped(file.relative_to(site).as_posix()):
                    _copy(file, bundle / file.relative_to(site))
    for source in SOURCES:
        for file in [ROOT / source, *(ROOT / source).rglob("*")]:
            name = file.relative_to(ROOT).as_posix()
            if file.is_file() and file.suffix != ".pyc" and name not in UNSHIPPED:
                _copy(file, bundle / name)
    trim_services(bundle, SERVICES)
    compile_all(bundle)


def _pins(requirements: Path, names: tuple[str, ...]) -> str:
    """Return the lines of requirements.txt that pin these libraries, with their hashes."""
    lines = requirements.read_text().replace("\\\n", " ").splitlines()
    pins = "\n".join(line for line in lines if line.partition("==")[0] in names)
    check_no_markers(pins, requirements)
    return pins


def _is_shipped(name: str) -> bool:
    if name.endswith(".pyc") or name.startswith(UNUSED) or ".dist-info/" in name:
        return False
    return not name.startswith("babel/locale-data/") or name.endswith(LOCALES)


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
