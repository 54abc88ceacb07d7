"""The files that are published and read: fresh, small, and described. No browser is needed here."""

import base64
import gzip
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.batching import DEFAULT_WAIT_SECONDS
from tests.support.paths import ROOT

SOURCE = (ROOT / "web/tracker.js").read_text()
BUILT = ("web/tracker.min.js", "web/tracker.full.min.js", "tracker/clicks.js")
GUIDE = (ROOT / "docs/tracker.md").read_text()
PRIVACY = (ROOT / "docs/privacy.md").read_text()

MAX_GZIPPED_BYTES = {"web/tracker.min.js": 2_958, "web/tracker.full.min.js": 3_403}


def attributes_of_the_script() -> set[str]:
    """As they are written in HTML: `itemField` is `data-item-field`."""
    settings = re.search(r"const \{\n([^}]*?)\.\.\.unknown", SOURCE)
    assert settings
    names = re.findall(r"^    (\w+)", settings[1], re.MULTILINE)
    # Only the full build knows this one, so the settings of both do not name it.
    assert "unknown.autocapture" in SOURCE
    return {
        "data-" + re.sub("[A-Z]", lambda letter: "-" + letter[0].lower(), name)
        for name in [*names, "autocapture"]
    }


def calls_of_the_script() -> set[str]:
    api = re.search(r"const clicks = \{(.*?)\n  \};", SOURCE, re.DOTALL)
    assert api
    return set(re.findall(r"^    (\w+):", api[1], re.MULTILINE))


@pytest.mark.parametrize("name", MAX_GZIPPED_BYTES)
def test_built_file_is_small(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    size = len(gzip.compress((ROOT / name).read_bytes(), 9))
    with capsys.disabled():
        print(f"\n  {name}: {size} bytes gzipped, of {MAX_GZIPPED_BYTES[name]}")
    assert size <= MAX_GZIPPED_BYTES[name]
    assert f"{size:,} bytes" in GUIDE


def test_built_files_were_made_from_the_source() -> None:
    lines = (ROOT / "tracker/sha256sums").read_text().splitlines()
    assert {line.split()[1] for line in lines} == {"web/tracker.js", *BUILT}
    for line in lines:
        digest, name = line.split()
        actual = hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
        assert actual == digest, f"{name} has changed since the tracker was built: run `make tracker`"


@pytest.mark.e2e
@pytest.mark.skipif(not shutil.which("npm"), reason="needs Node.js: `make tracker` must change no file")
def test_built_files_can_be_made_again_to_the_byte(tmp_path: Path) -> None:
    made = subprocess.run([ROOT / "tracker/build.sh", tmp_path], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    for name in BUILT:
        assert (tmp_path / Path(name).name).read_bytes() == (ROOT / name).read_bytes()


@pytest.mark.parametrize("name", BUILT)
def test_built_file_needs_no_eval(name: str) -> None:
    forbidden = r"\beval\(|new Function|innerHTML|document\.write|import\("
    assert not re.search(forbidden, (ROOT / name).read_text())


def test_integrity_in_the_guide_is_that_of_the_built_files() -> None:
    for name in MAX_GZIPPED_BYTES:
        digest = base64.b64encode(hashlib.sha384((ROOT / name).read_bytes()).digest()).decode()
        assert f"sha384-{digest}" in GUIDE, name


def test_types_name_every_attribute_and_every_call() -> None:
    types = (ROOT / "tracker/clicks.d.ts").read_text()
    options = re.search(r"interface ClicksConfig \{(.*?)\n\}", types, re.DOTALL)
    calls = re.search(r"interface Clicks \{(.*?)\n\}", types, re.DOTALL)
    assert options
    assert calls
    names = set(re.findall(r"^  (\w+)\??:", options[1], re.MULTILINE))
    assert {"data-" + re.sub("[A-Z]", lambda it: "-" + it[0].lower(), name) for name in names} == (
        attributes_of_the_script()
    )
    assert set(re.findall(r"^  (\w+)\??[:(]", calls[1], re.MULTILINE)) == calls_of_the_script()


def test_package_holds_what_it_names() -> None:
    package = json.loads((ROOT / "tracker/package.json").read_text())
    assert set(package["files"]) >= set(package["exports"]["."].values())
    assert all((ROOT / "tracker" / name).exists() for name in package["files"])


def test_default_wait_is_the_measured_one() -> None:
    assert f"wait = {DEFAULT_WAIT_SECONDS}," in SOURCE
    assert f"| `data-wait` | `{DEFAULT_WAIT_SECONDS}` |" in GUIDE


def test_every_attribute_is_described_and_every_described_one_exists() -> None:
    described = set(re.findall(r"^\| `(data-[a-z-]+)` \|", GUIDE, re.MULTILINE))
    assert described == attributes_of_the_script()


def test_every_attribute_that_the_docs_use_exists() -> None:
    known = attributes_of_the_script() | {"data-click-item", "data-product", "data-clicklake-ignore"}
    assert set(re.findall(r"\bdata-[a-z-]+", GUIDE + PRIVACY)) <= known


def test_every_call_is_described_and_every_described_one_exists() -> None:
    described = set(re.findall(r"^\| `clicks\.(\w+)", GUIDE, re.MULTILINE))
    assert described == calls_of_the_script()


def test_every_stored_entry_is_described_and_every_described_one_exists() -> None:
    stored = {f"clicklake.{name}" for name in re.findall(r"PREFIX \+ '(\w+)\.?'", SOURCE)}
    assert set(re.findall(r"^\| `(clicklake\.\w+)", PRIVACY, re.MULTILINE)) == stored
    assert len(stored) == 4


@pytest.mark.parametrize(
    ("constant", "sentence"),
    [
        ("QUEUE_CLICKS = 1000;", "1,000 clicks wait"),
        ("QUEUE_MS = 7 * 86400e3;", "for a week at most"),
        ("FULL_CLICKS = 100;", "100 clicks wait"),
        ("BATCH_BYTES = 45e3;", "45,000 bytes"),
        ("ANSWER_MS = 30e3;", "No answer within 30 s"),
        ("LONGEST_MS = 1800e3;", "half an hour at most"),
        ("SESSION_MS = 1800e3;", "half an hour after the last click"),
    ],
)
def test_figures_of_the_guide_are_those_of_the_source(constant: str, sentence: str) -> None:
    assert constant in SOURCE
    assert sentence in GUIDE


def test_text_of_an_element_is_cut_where_the_privacy_page_says() -> None:
    assert "TEXT_LENGTH = 100;" in SOURCE
    assert "first 100 characters of its text" in PRIVACY


def test_lock_file_names_no_registry() -> None:
    assert "http" not in (ROOT / "tracker/package-lock.json").read_text()


def test_minifier_is_pinned_exactly() -> None:
    (version,) = re.findall(r'"terser": "([^"]+)"', (ROOT / "tracker/package.json").read_text())
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
