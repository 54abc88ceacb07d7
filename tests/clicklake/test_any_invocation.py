"""Random invocations, most of them wrong: each ends with a documented exit code and no traceback."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from clicklake.cli.group import main
from clicklake.lake.partitions import partition_of
from tests.support.lakes import NOON, TestLake, document, line, new_id
from tests.support.paths import ROOT

pytestmark = pytest.mark.emulator

EXIT_CODES = (0, 1, 2, 130)
DAY = f"{NOON:%Y-%m-%d}"
TIMES = [
    *(
        DAY,
        f"{DAY}T05:00",
        f"{DAY}T05:00+05:30",
        "2026-11-24",
        "9999-12-31",
        "0001-01-01",
        "1e9",
        "",
        "today",
    ),
    *(
        "today",
        "2026-13-45",
        "2026-02-30",
        "٢٠٢٦-١١-٢٤",
        "\x00",
        "2026-11-24T25:00",
        "-1",
        "2026-W48-2",
        "20261124",
    ),
]
TEXTS = [
    "",
    "x",
    "'",
    '"; drop table',
    "\x1b[31m",
    "日本",
    "a" * 300,
    "-",
    "--",
    "{}",
    "%s",
    "..",
    "/",
    "\udcff",
]
NUMBERS = ["0", "1", "-1", "nan", "inf", "1e99", "٣", "9" * 30, "", "x"]
PATHS = [
    "",
    "/dev/null/x.html",
    "/dev/full",
    "/",
    ".",
    "a" * 300,
    "/nonexistent/x/y",
    "\udcff.html",
    "r.html",
]
ZONES = ["UTC", "Asia/Kolkata", "Mars/Base", "", "../etc/passwd", "posixrules", "Europe"]
SQL = [
    *(
        "totals",
        "items",
        "hours",
        "totls",
        "",
        "select",
        "select 1",
        "select 1/0",
        "select * from lines limit 2",
    ),
    *("select * from nowhere", "drop table lines", "select 1; select 2", "select read_text('/etc/passwd')"),
    *("select count(*) from events group by nothing", "with a as (select 1) select * from a", "('", "\udcff"),
    *(
        "select substr(url, 0, 2) from lines",
        "select cast('x' as integer)",
        "select now()",
        "--",
        "select '\x00'",
    ),
]
SPAN = {"--from": TIMES, "--to": TIMES}
COMMANDS: dict[str, dict[str, list[str]]] = {
    "report": SPAN
    | {"--timezone": ZONES, "--compare": ["week", "year", "none", "x"], "--out": PATHS, "--json": []},
    "query": SPAN
    | {
        "--timezone": ZONES,
        "--format": ["table", "vertical", "csv", "json", "parquet", "xml"],
        "--limit": NUMBERS,
        "--engine": ["duckdb", "athena", "x"],
    },
    "reconcile": SPAN | {"--no-wait": [], "--recover": [], "--json": []},
    "status": {"--json": []},
    "replay": SPAN | {"--type": TEXTS, "--parked": [], "--dry-run": [], "--stream": TEXTS, "--json": []},
    "reenrich": SPAN | {"--dry-run": [], "--json": []},
    "erase": {
        "--user-id": TEXTS,
        "--visitor-id": TEXTS,
        "--session-id": TEXTS,
        "--containing": TEXTS,
        "--dry-run": [],
        "--json": [],
    },
    "cost": {"--stage": TEXTS, "--clicks-per-request": NUMBERS, "--firehose-ms": NUMBERS, "--json": []},
    "deploy": {"--stage": TEXTS, "--like": TEXTS, "RawDays=x": [], "x": [], "=": []},
    "undeploy": {"--stage": TEXTS},
    "verify": {"--stage": TEXTS, "--out": PATHS, "--harmless": [], "--json": []},
    "tail": {"--since": ["2026-13-45", "", "x"], "--interval": ["0", "-1", "nan", "inf", "1e99", "x"]},
    "nothing": {},
}
ENVIRONMENTS = [
    *({}, {}, {}, {}),
    {"AWS_ENDPOINT_URL": "127.0.0.1:9"},
    {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
    {"AWS_ENDPOINT_URL": "not a URL"},
    {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""},
    {"AWS_PROFILE": "nobody"},
    {"AWS_ACCESS_KEY_ID": "", "AWS_SHARED_CREDENTIALS_FILE": os.devnull},
    {"ITEM_ID_FIELD": "userId"},
    {"CATALOGUE_ATTRIBUTES": "url,url"},
    {"CATALOGUE_URL": "nonsense"},
    {"TMPDIR": "/nonexistent"},
]


def invocation(chance: random.Random, bucket: str) -> list[str]:
    command = chance.choice(list(COMMANDS))
    options = COMMANDS[command]
    words = [command]
    if command not in ("deploy", "undeploy", "verify", "cost", "nothing"):
        lake = chance.choice([["--bucket", bucket]] * 6 + [["--bucket", chance.choice(TEXTS)], []])
        words += lake or ["--stage", chance.choice([*TEXTS, "dev"])]
    for name in chance.sample(list(options), chance.randint(0, min(3, len(options)))):
        words += [name, chance.choice(options[name])] if options[name] else [name]
    if command == "query":
        words.append(chance.choice(SQL))
    if command == "tail":  # without an option that is wrong it would go on for ever
        words += ["--interval", "x"]
    if command == "reenrich" and "--dry-run" not in words:
        words.append("--dry-run")
    if chance.random() < 0.1:
        words.append(chance.choice(["--nonsense", *TEXTS]))
    return words


@pytest.fixture(scope="session")
def odd_lake(emulator: object) -> TestLake:
    """A few clicks, and objects that cannot be read, at places where they should be and elsewhere."""
    from tests.support.lakes import new_lake

    lake = new_lake(emulator)  # type: ignore[arg-type]
    lake.put("clicks", [line(new_id()) for _ in range(3)])
    lake.put("failed", [document(b"{}"), document(b"\xff", "Lambda.FunctionError")])
    keys = [f"clicks/{partition_of(NOON)}damaged.gz", "clicks/dt=notadate/x", "raw/x", "failed/x", "odd"]
    for key in keys:
        lake.s3.put_object(Bucket=lake.bucket, Key=key, Body=b"\x1f\x8bnonsense")
    return lake


def check(words: list[str], code: int, output: str) -> None:
    assert code in EXIT_CODES, (words, code, output[-2000:])
    assert "Traceback" not in output, (words, output[-2000:])
    assert "clicklake: unexpected" not in output, (words, output[-2000:])


def run_in_process(
    count: int,
    lake: TestLake,
    aws_env: dict[str, str],
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    chance = random.Random(seed)
    for _ in range(count):
        words, changes = invocation(chance, lake.bucket), chance.choice(ENVIRONMENTS)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (aws_env | changes).items():
                patch.setenv(name, value)
            result = CliRunner().invoke(main, words, catch_exceptions=False)
        check([*words, str(changes)], result.exit_code, result.output)


def test_hundreds_of_wrong_invocations_end_as_documented(
    odd_lake: TestLake, aws_env: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run_in_process(150, odd_lake, aws_env, 1, monkeypatch, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_thousands_of_wrong_invocations_end_as_documented(
    odd_lake: TestLake, aws_env: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run_in_process(2900, odd_lake, aws_env, 2, monkeypatch, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_hundred_wrong_invocations_as_processes_end_as_documented(
    odd_lake: TestLake, aws_env: dict[str, str], tmp_path: Path
) -> None:
    chance = random.Random(3)
    for _ in range(100):
        words, changes = invocation(chance, odd_lake.bucket), chance.choice(ENVIRONMENTS)
        if any("\0" in word for word in words):
            continue  # no process can have such an argument
        done = subprocess.run(
            [sys.executable, "-m", "clicklake", *words],
            cwd=tmp_path,
            env=aws_env | changes | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        check([*words, str(changes)], done.returncode, (done.stdout + done.stderr).decode(errors="replace"))
