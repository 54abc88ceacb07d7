"""One local cloud per folder: a lock that names the process which holds it.

The first step of `make run` uses this module before anything is installed, so it needs nothing but the
standard library.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clicklake.local.addresses import read_addresses


class InstanceError(Exception):
    """The local cloud cannot run in this folder. The message says why, in one line."""


@contextmanager
def only_instance(folder: Path) -> Iterator[None]:
    """Hold the lock of this folder. The system releases it if the process dies.

    Raises InstanceError if another process holds it, or if the folder or TMPDIR cannot be written to.
    """
    check_temporary_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise InstanceError(
            f"cannot write to {folder}: {error.strerror}; `clicklake run --dir` takes another folder"
        ) from error
    with open(descriptor, "r+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InstanceError(_describe_running(folder, lock.read().strip())) from None
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def check_temporary_folder() -> None:
    """Raise InstanceError if TMPDIR names a folder that cannot be used.

    Python would silently take another one, and tools that we start would fail.
    """
    folder = os.environ.get("TMPDIR", "")
    if not folder:
        return
    try:
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        raise InstanceError(
            f"TMPDIR={folder!r} cannot be used: {error.strerror}; set it to a folder that you can write to"
        ) from error


def _describe_running(folder: Path, process: str) -> str:
    addresses = None
    with suppress(OSError, ValueError):
        addresses = read_addresses(folder)
    where = "it is still starting"
    if addresses:
        where = f"site {addresses['site']}, live page {addresses['live']}"
    return (
        f"already running in {folder} as process {process or '(unknown)'}: {where}."
        " Stop it with Ctrl-C in its terminal, or use another folder: clicklake run --dir"
    )
