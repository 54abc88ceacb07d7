"""The files that are published and read: fresh, small, and described. No browser is needed here."""

import gzip
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT

SOURCE = (ROOT / "web/tracker.js").read_text()
MINIFIED = ROOT / "web/tracker.min.js"
GUIDE = (ROOT / "docs/tracker.md").read_text()
PRIVACY = (ROOT / "docs/privacy.md").read_text()

MAX_GZIPPED_BYTES = 2_300


def attributes_of_the_script() -> set[str]:
    """As they are written in HTML: `itemField` is `data-item-field`."""
    settings = re.search(r"const \{(.*?)\.\.\.unknown", SOURCE, re.DOTALL)
    assert settings
    names = re.findall(r"^ +(\w+)", settings[1], re.MULTILINE)
    return {"data-" + re.sub("[A-Z]", lambda letter: "-" + letter[0].lower(), name) for name in names}


def calls_of_the_script() -> set[str]:
    api = re.search(r"window\.clicks = \{(.*?)\n  \};", SOURCE, re.DOTALL)
    assert api
    return set(re.findall(r"^    (\w+):", api[1], re.MULTILINE))


def test_minified_file_is_small(capsys: pytest.CaptureFixture[str]) -> None:
    size = len(gzip.compress(MINIFIED.read_bytes(), 9))
    with capsys.disabled():
        print(f"\n  web/tracker.min.js: {size} bytes gzipped, of {MAX_GZIPPED_BYTES}")
    assert size <= MAX_GZIPPED_BYTES


def test_minified_file_was_made_from_the_source() -> None:
    for line in (ROOT / "tracker/sha256sums").read_text().splitlines():
        digest, name = line.split()
        actual = hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
        assert actual == digest, f"{name} has changed since web/tracker.min.js was made: run `make tracker`"


@pytest.mark.e2e
@pytest.mark.skipif(not shutil.which("npm"), reason="needs Node.js: `make tracker` must change no file")
def test_minified_file_can_be_made_again_to_the_byte(tmp_path: Path) -> None:
    again = tmp_path / "tracker.min.js"
    made = subprocess.run([ROOT / "tracker/build.sh", again], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert again.read_bytes() == MINIFIED.read_bytes()


def test_every_attribute_is_described_and_every_described_one_exists() -> None:
    described = set(re.findall(r"^\| `(data-[a-z-]+)` \|", GUIDE, re.MULTILINE))
    assert described == attributes_of_the_script()


def test_every_attribute_that_the_docs_use_exists() -> None:
    known = attributes_of_the_script() | {"data-click-item", "data-product"}
    assert set(re.findall(r"\bdata-[a-z-]+", GUIDE + PRIVACY)) <= known


def test_every_call_is_described_and_every_described_one_exists() -> None:
    described = set(re.findall(r"^\| `clicks\.(\w+)", GUIDE, re.MULTILINE))
    assert described == calls_of_the_script()


def test_every_stored_entry_is_described_and_every_described_one_exists() -> None:
    stored = set(re.findall(r"'(clicklake\.\w+)\.?'", SOURCE))
    assert set(re.findall(r"^\| `(clicklake\.\w+)", PRIVACY, re.MULTILINE)) == stored
    assert len(stored) == 4


@pytest.mark.parametrize(
    ("constant", "sentence"),
    [
        ("QUEUE_CLICKS = 1000;", "1,000 clicks wait"),
        ("QUEUE_MS = 7 * 86400e3;", "for a week at most"),
        ("FULL_CLICKS = 100;", "From 100 clicks on"),
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
    assert "textContent.trim().slice(0, 100)" in SOURCE
    assert "first 100 characters of its text" in PRIVACY


def test_lock_file_names_no_registry() -> None:
    assert "http" not in (ROOT / "tracker/package-lock.json").read_text()


def test_minifier_is_pinned_exactly() -> None:
    (version,) = re.findall(r'"terser": "([^"]+)"', (ROOT / "tracker/package.json").read_text())
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
