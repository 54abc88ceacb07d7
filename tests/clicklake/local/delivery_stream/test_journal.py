"""The journal on disk."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clicklake.local.delivery_stream.journal import DiskJournal
from clicklake.local.delivery_stream.outcomes import Record
from tests.support.paths import ROOT

A, B, C = Record("9", b"a", 1), Record("1", b"\x00b", 2), Record("5", b"", 3)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[DiskJournal]:
    journal = DiskJournal(tmp_path / "deep" / "journal.sqlite")
    yield journal
    journal.close()


def test_records_wait_in_the_order_in_which_they_were_put(journal: DiskJournal) -> None:
    journal.add("one", [A, B])
    journal.add("one", [C])
    assert journal.waiting("one") == [A, B, C]


def test_each_stream_has_its_own(journal: DiskJournal) -> None:
    journal.add("one", [A])
    journal.add("two", [B])
    assert sorted(journal.streams()) == ["one", "two"]
    assert journal.waiting("two") == [B]
    assert journal.count() == 2


def test_removed_record_no_longer_waits(journal: DiskJournal) -> None:
    journal.add("one", [A, B])
    journal.remove(["9", "unheard of"])
    assert journal.waiting("one") == [B]
    journal.remove(["1"])
    assert (journal.streams(), journal.count()) == ([], 0)


@pytest.mark.e2e
def test_records_survive_a_process_that_is_killed_right_after_accepting_them(tmp_path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from clicklake.local.delivery_stream.journal import DiskJournal
from clicklake.local.delivery_stream.outcomes import Record
journal = DiskJournal(Path({str(tmp_path / "journal.sqlite")!r}))
for n in range(100):
    journal.add("one", [Record(str(n), b"x" * 1000, n)])
journal.remove(["0"])
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", code], cwd=ROOT)
    assert killed.returncode == -9
    journal = DiskJournal(tmp_path / "journal.sqlite")
    assert [record.arrived_ms for record in journal.waiting("one")] == list(range(1, 100))
    journal.close()
