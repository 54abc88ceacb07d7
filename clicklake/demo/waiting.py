"""Wait as long as something moves, and keep what is needed to find out why it stopped."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

import click
from botocore.exceptions import BotoCoreError, ClientError

from clicklake.errors import CommandError

PATIENCE_SECONDS = 120.0  # without any progress: a machine at load 16 needs half a minute for some steps
POLL_SECONDS = 0.1
LAST_LINES = 5  # of each log


def wait_while_moving(
    is_done: Callable[[], bool], progress: Callable[[], object], patience: float = PATIENCE_SECONDS
) -> bool:
    """Return True once it is done.

    Return False if `progress` has returned the same value for `patience` seconds.
    """
    seen, deadline = progress(), time.monotonic() + patience
    while not is_done():
        if (current := progress()) != seen:
            seen, deadline = current, time.monotonic() + patience
        elif time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


@contextmanager
def folder_kept_on_failure() -> Iterator[Path]:
    """Yield a new folder. It is deleted in the end, unless the demo fails.

    Raises CommandError, which then has the last lines of every log in the folder's `log`.
    """
    folder = Path(mkdtemp(prefix="clicklake-demo-"))
    try:
        yield folder
    except (click.ClickException, OSError, BotoCoreError, ClientError) as error:
        reason = error.format_message() if isinstance(error, click.ClickException) else str(error)
        kept = f"nothing was deleted: {folder}"
        raise CommandError("\n".join([f"the demo failed: {reason}", *last_lines(folder), kept])) from error
    except BaseException:  # Ctrl-C
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def last_lines(folder: Path) -> list[str]:
    """Return the last lines of each log, with the log's name before them."""
    lines = []
    for log in sorted(folder.glob("log/*.log")):
        text = log.read_text(errors="replace").splitlines()
        lines += [f"{log.stem}: {line}" for line in text[-LAST_LINES:] if line.strip()]
    return lines


def size_of_logs(folder: Path) -> int:
    """Return the bytes written so far by the processes of a folder: more than before means progress."""
    total = 0
    for file in folder.rglob("*"):
        with suppress(OSError):  # it was deleted meanwhile
            total += file.stat().st_size
    return total
