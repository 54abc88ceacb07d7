"""Other people's scanners find nothing, but for what stands here with its reason.

Templates have their reasons beside what they are about (`checkov:skip`). pip-audit is not among these: it
asks a service on the internet, and its answer changes without a commit. `make audit` runs it.
"""

import json
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT

BIN = ROOT / ".run" / "envs" / "scan" / "bin"
PACKAGES = ("ingest_app", "processor", "clicklake")

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

# Bandit's lesser findings (asserts, subprocesses, random numbers that hide nothing) are rules of ruff's too,
# which has a reason in the line of each.
BANDIT = {
    ("clicklake/deploy/checks.py", "B506"): "a loader that makes plain data only",
    ("clicklake/deploy/plan.py", "B310"): "the address of a function's code, which AWS gave a moment ago",
    ("clicklake/local/emulator/athena.py", "B608"): "every part is quoted",
    ("clicklake/query/*.py", "B608"): "names of our own tables, and quoted paths",
    ("clicklake/tables/*.py", "B608"): "names of our own tables, and quoted paths",
    ("clicklake/compact/build.py", "B608"): "names of our own tables, and quoted paths and times",
    ("clicklake/erase/columns_search.py", "B608"): "names of our own tables, and quoted ids and paths",
    ("clicklake/dashboard/funnel.py", "B608"): "conditions that sqlglot writes, with quoted values",
    ("clicklake/report/panels.py", "B608"): "an attribute's name: letters, digits and _",
    ("clicklake/report/page.py", "B704"): "the style sheet, which is ours",
}
SECRETS = {
    ("benchmarks/*", "Hex High Entropy String"): "a visitor's id, made up",
    ("benchmarks/*", "Secret Keyword"): "the emulator's dummy keys",
    ("benchmarks/*", "Base64 High Entropy String"): "an alphabet",
    ("docs/line.md", "Hex High Entropy String"): "a visitor's id, made up",
    ("clicklake/deploy/checks.py", "Secret Keyword"): "a value in place of the secret that is made later",
    ("clicklake/local/addresses.py", "Base64 High Entropy String"): "the alphabet of key ids",
    ("tests/support/emulator.py", "AWS Access Key"): "made up, for emulators on this machine",
    ("docs/decisions/secrets.md", "Secret Keyword"): "names of settings",
    ("tests/data/tls/catalogue.pem", "Private Key"): "a test server's on 127.0.0.1, for whom nobody vouches",
    ("tests/*", "Secret Keyword"): "dummies",
    ("tests/*", "Basic Auth Credentials"): "addresses that hold a password, to see that it is not kept",
    ("tests/*", "Hex High Entropy String"): "ids, made up",
    ("tests/*", "JSON Web Token"): "made up, to see that it is not kept",
    ("tests/*", "Base64 High Entropy String"): "records, made up",
}


def run(*command: str | Path, codes: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in codes, done.stdout + done.stderr
    return done.stdout


def unexplained(found: list[tuple[str, str]], reasons: dict[tuple[str, str], str]) -> list[tuple[str, str]]:
    """What no reason fits; fails as well for a reason that fits nothing."""
    fits = {reason: [each for each in found if _is(each, reason)] for reason in reasons}
    assert [reason for reason, explained in fits.items() if not explained] == []
    return sorted({each for each in found if not any(_is(each, reason) for reason in reasons)})


def _is(found: tuple[str, str], reason: tuple[str, str]) -> bool:
    return fnmatch(found[0], reason[0]) and found[1] == reason[1]


def test_bandit_finds_nothing_in_our_code() -> None:
    report: dict[str, Any] = json.loads(
        run(BIN / "bandit", "-q", "-ll", "-f", "json", "-r", *PACKAGES, codes=(0, 1))
    )
    assert report["errors"] == []
    assert unexplained([(each["filename"], each["test_id"]) for each in report["results"]], BANDIT) == []


def test_checkov_finds_nothing_in_our_templates() -> None:
    words = (
        "-d",
        "cloudformation",
        "--framework",
        "cloudformation",
        "--skip-download",
        "--quiet",
        "-o",
        "json",
    )
    summary = json.loads(run(BIN / "checkov", *words))["summary"]
    assert summary["failed"] == 0
    assert summary["passed"] > 50


def test_no_secret_is_committed() -> None:
    listed = run("git", "ls-files", "-co", "--exclude-standard").splitlines()
    files = [name for name in listed if not name.endswith(".txt")]  # requirements: hashes
    report = json.loads(run(BIN / "detect-secrets", "scan", "--all-files", *files))
    found = [(name, each["type"]) for name, each_ in report["results"].items() for each in each_]
    assert unexplained(found, SECRETS) == []
