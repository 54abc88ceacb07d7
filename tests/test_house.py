"""The house stays as it was drawn: who may import whom, and which module touches the outside world.

A process that a module starts by name (`python -m clicklake.…`) counts as an import.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

OURS = ("ingest_app", "processor", "clicklake", "benchmarks", "tests")
# Each may import those behind it. The tables' columns are the processor's settings too.
FLOORS = ["clicklake.tables", "clicklake.cli", "clicklake.lake", "clicklake.errors"]
BESIDE_FLOORS = {"clicklake.tables": {"processor"}}
MAX_MODULES = 15  # side by side in one folder
MIN_LINES = 20
SHORT_MODULES = {
    "clicklake/__init__.py": "says what the package is",
    "clicklake/__main__.py": "is what `python -m clicklake` runs",
    "clicklake/cli/checkout.py": "names the two folders that everything else is found from",
    "clicklake/query/csv_rows.py": "is what writes a result without DuckDB and rich, as on Lambda",
    "ingest_app/wsgi.py": "is the object that a WSGI server imports",
    "ingest_app/timestamps.py": "is the one way to write a time, which three modules need",
    "ingest_app/privacy.py": "is the whole rule of what an opted-out click loses",
}

# What a feature may import beside the floors. No other feature imports a feature.
FEATURES = {
    "clicklake.reconcile": set[str](),
    "clicklake.compact": set(),
    "clicklake.keeper": {
        f"clicklake.{name}" for name in ("compact", "cost", "privacy", "query", "reconcile", "replay")
    },
    "clicklake.replay": set(),
    "clicklake.reenrich": {"processor"},
    "clicklake.erase": set(),
    "clicklake.query": {"processor"},
    "clicklake.report": {"clicklake.query"},
    "clicklake.dashboard": {"clicklake.report", "clicklake.query", "clicklake.status"},
    "clicklake.verify": {"clicklake"},  # it proves them all
    "clicklake.status": {"clicklake.reconcile", "clicklake.cost", "clicklake.deploy"},
    "clicklake.mcp": {"clicklake.query", "clicklake.status"},
    "clicklake.tail": {"processor"},
    "clicklake.privacy": set(),
    "clicklake.cost": set(),
    "clicklake.demo": {"clicklake.report", "clicklake.query", "clicklake.local", "clicklake.compact"},
    # The rules that settings must keep, and the password that the dashboard reads.
    "clicklake.deploy": {
        "processor",
        *(f"clicklake.dashboard.{name}" for name in ("access", "deployed.settings", "shared_state")),
    },
    "clicklake.local": {"clicklake.deploy", "clicklake.dashboard"},
}
INSIDE_LOCAL = {
    "clicklake.local.delivery_stream": set[str](),
    "clicklake.local.live": {"clicklake.local.delivery_stream"},
    "clicklake.local.emulator": {"clicklake.local.live", "clicklake.local.delivery_stream"},
}

# The only modules that may import a library which touches the outside world.
ALONE = [
    ("ingest_app", "flask", {"ingest_app/__init__.py", "ingest_app/routes.py"}),
    ("ingest_app", "boto3", {"ingest_app/aws/client.py"}),
    ("ingest_app", "botocore", {"ingest_app/aws/client.py"}),
    (
        "clicklake",
        "flask",
        {
            "clicklake/dashboard/app.py",
            "clicklake/dashboard/access/reader.py",
            "clicklake/dashboard/access/sign_in.py",
            "clicklake/dashboard/access/token_gate.py",
            *(f"clicklake/dashboard/deployed/{name}.py" for name in ("sender", "wsgi")),
            *("clicklake/local/services.py", "clicklake/demo/cloud.py"),  # start `flask run`
        },
    ),
    ("processor", "requests", {"processor/catalogue.py"}),
    ("clicklake", "ministack", {"clicklake/local/emulator/ministack.py"}),
    (
        "clicklake",
        "duckdb",
        {
            "clicklake/compact/build.py",
            "clicklake/erase/columns_search.py",
            "clicklake/query/parquet.py",
            "clicklake/query/span_database.py",
            *(
                f"clicklake/tables/{name}.py"
                for name in ("counting", "database", "day_files", "line_files", "parquet_files")
            ),
        },
    ),
]


def modules_of(package: str) -> list[Path]:
    return sorted((ROOT / package.replace(".", "/")).rglob("*.py"))


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(file: Path) -> Iterator[str]:
    """Yield the whole name of every module that the file imports or starts by name."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} has a relative import"
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                is_module = (ROOT / f"{module.replace('.', '/')}.py").exists()
                yield module if is_module else node.module or ""
        elif isinstance(node, ast.List):  # a command: [python, "-m", "clicklake", "run", …]
            words: list[object] = [each.value for each in node.elts if isinstance(each, ast.Constant)]
            if "-m" in words:
                yield _started(words[words.index("-m") + 1 :])


def _started(words: list[object]) -> str:
    module, *rest = map(str, words)
    if module == "clicklake" and rest:
        return {"run": "clicklake.local.command"}.get(rest[0], f"clicklake.{rest[0]}.command")
    return module


def is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def arrows(package: str) -> Iterator[tuple[Path, str]]:
    """Yield every import of a module of ours, from a file of the package."""
    for file in modules_of(package):
        for module in imports_of(file):
            if module.split(".")[0] in OURS:
                yield file, module


@pytest.mark.parametrize("package", ["ingest_app", "processor"])
def test_a_bundle_imports_nothing_of_ours_but_itself(package: str) -> None:
    assert modules_of(package)
    assert [each for each in arrows(package) if not is_in(each[1], package)] == []


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_imports_only_the_floors_below_it(floor: str) -> None:
    below = [*FLOORS[FLOORS.index(floor) :], *BESIDE_FLOORS.get(floor, ())]
    files = modules_of(floor) or [ROOT / f"{floor.replace('.', '/')}.py"]
    for file in files:
        for module in imports_of(file):
            if module.split(".")[0] in OURS:
                assert any(is_in(module, each) for each in below), f"{name_of(file)} imports {module}"


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_imports_only_what_the_design_allows(feature: str) -> None:
    assert modules_of(feature)
    allowed = {feature, *FLOORS, *FEATURES[feature]}
    for file, module in arrows(feature):
        is_version = module == "clicklake"
        assert is_version or any(is_in(module, each) for each in allowed), f"{name_of(file)} imports {module}"


def test_every_package_of_the_command_has_its_rule() -> None:
    packages = {f"clicklake.{path.parent.name}" for path in ROOT.glob("clicklake/*/__init__.py")}
    assert packages == {*FEATURES, *FLOORS} - {"clicklake.errors"}


@pytest.mark.parametrize("package", INSIDE_LOCAL)
def test_inside_local_the_stream_knows_no_page_and_no_emulator(package: str) -> None:
    allowed = {package, *INSIDE_LOCAL[package]}
    for file, module in arrows(package):
        assert any(is_in(module, each) for each in allowed), f"{name_of(file)} imports {module}"


def test_no_module_imports_itself_in_a_circle() -> None:
    graph: dict[str, set[str]] = defaultdict(set)
    for package in ("ingest_app", "processor", "clicklake"):
        for file, module in arrows(package):
            graph[name_of(file)].add(module)
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " imports ".join([*path[path.index(module) :], module])
        if module not in done:
            for other in graph.get(module, ()):
                if other != module:
                    visit(other, (*path, module))
            done.add(module)

    for module in list(graph):
        visit(module, ())


@pytest.mark.parametrize(("package", "library", "places"), ALONE)
def test_the_outside_world_is_touched_in_one_place(package: str, library: str, places: set[str]) -> None:
    touching = {
        file.relative_to(ROOT).as_posix()
        for file in modules_of(package)
        if any(is_in(module, library) for module in imports_of(file))
    }
    assert touching == places & touching
    assert touching, f"nothing in {package} imports {library}: the rule is out of date"


@pytest.mark.parametrize("package", ["ingest_app", "processor"])
def test_a_bundle_reads_its_environment_in_settings_alone(package: str) -> None:
    reading = {
        file.relative_to(ROOT).as_posix()
        for file in modules_of(package)
        if re.search(r"\bos\.environ|getenv", file.read_text())
    }
    assert reading == {f"{package}/settings.py"}


def product_modules() -> list[Path]:
    return [file for package in ("ingest_app", "processor", "clicklake") for file in modules_of(package)]


def test_no_folder_is_crowded() -> None:
    folders: dict[Path, int] = defaultdict(int)
    for file in product_modules():
        folders[file.parent] += file.name != "__init__.py"
    crowded = {str(folder.relative_to(ROOT)): n for folder, n in folders.items() if n > MAX_MODULES}
    assert crowded == {}


def test_a_very_short_module_has_its_reason() -> None:
    short = {
        file.relative_to(ROOT).as_posix()
        for file in product_modules()
        if 0 < len(file.read_text().splitlines()) < MIN_LINES
    }
    inits = {name for name in short if name.endswith("/__init__.py")}  # a package's one-line description
    assert short - inits - SHORT_MODULES.keys() == set()


def test_each_class_name_stands_for_one_thing() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for file in product_modules():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(file.relative_to(ROOT).as_posix())
    assert {name: files for name, files in places.items() if len(files) > 1} == {}
