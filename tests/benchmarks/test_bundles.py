"""The core of the ingest app, which the benchmarks' other designs run too, is whole."""

import ast

from benchmarks.bundles import APP, CORE


def modules_of(name: str) -> set[str]:
    """Return what a module of the core imports of the app, as names of the core."""
    found = set()
    for node in ast.walk(ast.parse((APP / f"{name}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ingest_app."):
            found.add(str(node.module).removeprefix("ingest_app.").replace(".", "/"))
    return found


def test_every_module_of_the_core_exists_once() -> None:
    assert [name for name in CORE if not (APP / f"{name}.py").is_file()] == []
    assert len(set(CORE)) == len(CORE)


def test_core_imports_nothing_of_the_app_but_itself() -> None:
    imported = set().union(*map(modules_of, CORE))
    packages = {"parsing"}  # whose __init__ is in the core
    assert imported - packages - {*CORE} == set()
