"""The demo waits while anything moves, and a failure keeps what explains it."""

import time
from itertools import count
from pathlib import Path

import pytest

from clicklake.demo.waiting import folder_kept_on_failure, last_lines, wait_while_moving
from clicklake.errors import CommandError

PATIENCE_SECONDS = 0.3


def test_it_waits_longer_than_its_patience_while_there_is_progress() -> None:
    begin, steps = time.monotonic(), count()
    assert wait_while_moving(
        lambda: time.monotonic() > begin + 3 * PATIENCE_SECONDS, lambda: next(steps), PATIENCE_SECONDS
    )


def test_it_gives_up_when_nothing_moves() -> None:
    begin = time.monotonic()
    assert not wait_while_moving(lambda: False, lambda: "the same", PATIENCE_SECONDS)
    assert PATIENCE_SECONDS <= time.monotonic() - begin < 10


def test_failure_names_the_last_lines_of_each_log_and_deletes_nothing() -> None:
    with pytest.raises(CommandError) as failed, folder_kept_on_failure() as folder:  # noqa: PT012
        (folder / "log").mkdir()
        (folder / "log" / "emulator.log").write_text("".join(f"line {n}\n" for n in range(100)))
        (folder / "log" / "ingest.log").write_text("Address in use\n")
        raise CommandError("the clicks do not land")
    lines = failed.value.format_message().split("\n")
    assert lines[0] == "the demo failed: the clicks do not land"
    assert lines[-2:] == ["ingest: Address in use", f"nothing was deleted: {folder}"]
    assert "emulator: line 99" in lines
    assert "emulator: line 1" not in lines
    assert folder.exists()
    for file in (*folder.glob("log/*"),):
        file.unlink()
    (folder / "log").rmdir()
    folder.rmdir()


@pytest.mark.parametrize("end", [None, KeyboardInterrupt])
def test_success_and_ctrl_c_delete_the_folder(end: type[BaseException] | None) -> None:
    def run() -> Path:
        with folder_kept_on_failure() as folder:
            (folder / "state").mkdir()
            if end:
                kept.append(folder)
                raise end
        return folder

    kept: list[Path] = []
    if end:
        with pytest.raises(end):
            run()
    else:
        kept.append(run())
    assert not kept[0].exists()


def test_no_log_gives_no_lines(tmp_path: Path) -> None:
    assert last_lines(tmp_path) == []
