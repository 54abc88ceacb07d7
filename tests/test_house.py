"""The house stays as CONTRIBUTING.md draws it: who imports whom, and where the outside world is touched."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = {"ingest_app", "processor", "deploy", "local", "ops", "benchmarks", "tests"}
MAY_IMPORT = {
    "ingest_app": {"ingest_app"},
    "processor": {"processor"},
    "deploy": {"deploy"},
    "local": {"local", "deploy"},
    "ops": {"ops", "processor"},
}
# What touches the outside world stands in one place each.
ALONE = [
    ("ingest_app", "flask", {"__init__.py", "routes.py"}),
    ("ingest_app", "boto3", {"stream.py"}),
    ("ingest_app", "botocore", {"stream.py"}),
    ("processor", "requests", {"catalogue.py", "fetch.py"}),
    ("local", "ministack", {"emulator.py"}),
]


def modules_of(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports_of(file: Path) -> Iterator[str]:
    """The top-level names that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").split(".")[0]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_packages_import_nothing_of_ours_but_what_they_may(package: str) -> None:
    assert modules_of(package)
    for file in modules_of(package):
        strangers = set(imports_of(file)) & OURS - MAY_IMPORT[package]
        assert not strangers, f"{file.relative_to(ROOT)} imports {strangers}"


@pytest.mark.parametrize(("package", "library", "places"), ALONE)
def test_the_outside_world_is_touched_in_one_place(package: str, library: str, places: set[str]) -> None:
    touching = {file.name for file in modules_of(package) if library in set(imports_of(file))}
    assert touching <= places


@pytest.mark.parametrize("package", ["ingest_app", "processor"])
def test_a_bundle_reads_its_environment_in_settings_alone(package: str) -> None:
    reading = {
        file.name for file in modules_of(package) if re.search(r"\bos\.environ|getenv", file.read_text())
    }
    assert reading <= {"settings.py"}


def test_links_in_the_docs_lead_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text()):
            if not target.startswith(("http:", "https:", "mailto:")):
                assert (document.parent / target).exists(), (
                    f"{document.name} links to {target}, which is not there"
                )
