"""The bundle of each design, made by the tool that ships it: in .run/bench/, again where sources changed."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.designs import CHALICE, DESIGNS, OURS, ZAPPA, Design
from benchmarks.machine import ENVS, PYTHON, ROOT

BENCH = ROOT / ".run" / "bench"
PEERS = ROOT / "benchmarks" / "peers"
APP = ROOT / "ingest_app"
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"

# Of the ingest app: the job's own modules, which know neither Flask nor boto3.
CORE = (
    *("clicks", "envelope", "privacy", "problems", "receipts", "sender", "settings"),
    *("timestamps", "visitor_keys"),
    *(
        "parsing/__init__",
        "parsing/item_id_pattern",
        "parsing/redact",
        "parsing/schema",
        "parsing/strict",
        "parsing/urls",
    ),
)


def bundle_of(design: Design) -> Path:
    """The folder that Lambda would have as /var/task. Beside it lies what was uploaded, as <name>.zip."""
    bundle = BENCH / design.name
    stamp = BENCH / f"{design.name}.stamp"
    sources = _hash_of_sources(design)
    if not stamp.exists() or stamp.read_text() != sources:
        print(f"packing {design.title}", file=sys.stderr)
        shutil.rmtree(bundle, ignore_errors=True)
        package = bundle.with_suffix(".zip")
        package.parent.mkdir(parents=True, exist_ok=True)
        BUILDERS.get(design.name, BUILDERS[design.shipped_by])(design, package)
        with zipfile.ZipFile(package) as packed:
            packed.extractall(bundle)
        stamp.write_text(sources)
    return bundle


def _hash_of_sources(design: Design) -> str:
    """Ours is of the whole app; the others are of its core alone."""
    if design is OURS:
        files = [*APP.rglob("*.*"), *ROOT.glob("clicklake/**/*.py"), ROOT / "zappa_settings.json"]
    else:
        files = [
            *(PEERS / design.name).rglob("*.*"),
            *(APP / f"{name}.py" for name in CORE),
            PEERS / "job.py",
        ]
        files += [*PEERS.glob("limits/*.py"), *ROOT.glob("benchmarks/requirements*.txt"), Path(__file__)]
    contents = hashlib.sha256(f"{PYTHON} {sys.version}".encode())
    for file in sorted({file for file in files if file.is_file() and file.suffix != ".pyc"}):
        contents.update(file.read_bytes())
    return contents.hexdigest()


def _pack_ours(design: Design, package: Path) -> None:
    """`zappa package dev`, for this machine's Python: what is on the loopback address runs here."""
    _zappa_package(ENVS / "ingest", ROOT, package, AWS_ENDPOINT_URL="http://127.0.0.1:9")


def _pack_with_zappa(design: Design, package: Path) -> None:
    folder = _stage(design)
    settings = {
        "app_function": "app.app",
        "project_name": "clicks",
        "runtime": RUNTIME,
        "aws_region": "us-east-1",
        "s3_bucket": "clicks",
    }
    (folder / "zappa_settings.json").write_text(json.dumps({"dev": settings}))
    _zappa_package(ENVS / "bench-zappa", folder, package)


def _zappa_package(venv: Path, folder: Path, package: Path, **variables: str) -> None:
    path = f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"
    command = [str(venv / "bin" / "zappa"), "package", "dev", "--output", str(package)]
    _run(command, folder, VIRTUAL_ENV=str(venv), PATH=path, **variables)


def _pack_with_chalice(design: Design, package: Path) -> None:
    folder = _stage(design, requirements="bare")
    output = folder.with_name("chalice-output")
    chalice = ENVS / "bench-chalice" / "bin" / "chalice"
    region = {"AWS_DEFAULT_REGION": "us-east-1"}  # it imports the app
    _run([str(chalice), "package", str(output)], folder, CLICK_STREAM="clicklake-dev", **region)
    shutil.copy(output / "deployment.zip", package)


def _pack_with_sam(design: Design, package: Path) -> None:
    folder = _stage(design, requirements=design.name.replace("_", "-"))
    architecture = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    function = {
        "CodeUri": str(folder),
        "Handler": design.handler,
        "Runtime": RUNTIME,
        "Architectures": [architecture],
    }
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {"Function": {"Type": "AWS::Serverless::Function", "Properties": function}},
    }
    description, output = folder.with_suffix(".json"), folder.with_name(f"{design.name}-output")
    description.write_text(json.dumps(template))
    command = [str(ENVS / "sam" / "bin" / "sam"), "build", "--template", str(description)]
    path = f"{Path(PYTHON).parent}{os.pathsep}{os.environ['PATH']}"
    _run([*command, "--build-dir", str(output)], folder, SAM_CLI_TELEMETRY="0", PATH=path)
    _zip(output / "Function", package)


def _pack_files(design: Design, package: Path) -> None:
    _zip(PEERS / "limits", package)


def _stage(design: Design, requirements: str | None = None) -> Path:
    """The peer as its team would have it in a checkout: the app, the job, the job's core."""
    folder = BENCH / "stage" / design.name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(PEERS / design.name, folder)
    shutil.copy(PEERS / "job.py", folder)
    core = folder / "ingest_app"
    if design is CHALICE:  # packs app.py and what lies in these two folders
        core = folder / "vendor" / "ingest_app"
        shutil.copytree(
            folder, folder / "vendor", ignore=shutil.ignore_patterns("app.py", ".chalice", "vendor")
        )
    (core / "parsing").mkdir(parents=True)
    (core / "__init__.py").touch()
    for name in CORE:
        shutil.copy(APP / f"{name}.py", core / f"{name}.py")
    if requirements:
        shutil.copy(ROOT / f"benchmarks/requirements-{requirements}.txt", folder / "requirements.txt")
    return folder


def _run(command: list[str], folder: Path, **variables: str) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(  # noqa: S603
        command, cwd=folder, env=clean | variables, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def _zip(folder: Path, package: Path) -> None:
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(filter(Path.is_file, folder.rglob("*"))):
            packed.write(file, file.relative_to(folder))


BUILDERS: dict[str, Callable[[Design, Path], None]] = {
    OURS.name: _pack_ours,
    ZAPPA.name: _pack_with_zappa,
    "chalice": _pack_with_chalice,
    "sam": _pack_with_sam,
    "files": _pack_files,
}


def bundles() -> Iterator[tuple[Design, Path]]:
    for design in DESIGNS:
        yield design, bundle_of(design)


if __name__ == "__main__":
    for design, bundle in bundles():
        size = bundle.with_suffix(".zip").stat().st_size
        print(f"{size / 1e6:6.1f} MB  {design.title}")
