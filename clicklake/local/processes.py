"""Child processes that never outlive us: each in a process group of its own, with its output in a file."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from clicklake.errors import CommandError

STOP_SECONDS = 10  # what a child gets to flush what it holds before it is killed


class StartError(CommandError):
    """A child that did not come up; the message names it and quotes the end of its output."""


class Process:
    """A running child; `stop` ends it and every process that it started."""

    def __init__(
        self, name: str, command: list[str], *, env: Mapping[str, str], cwd: Path, log: Path
    ) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._child = subprocess.Popen(
                command,
                env=dict(env),
                cwd=cwd,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    def has_ended(self) -> bool:
        return self._child.poll() is not None

    def wait_until_answers(self, url: str, *, seconds: float) -> None:
        """Return once `url` answers 2xx. Raises StartError when the child ends, or the time, before that."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.has_ended():
            with suppress(URLError, OSError), urlopen(url, timeout=1):
                return
            time.sleep(0.05)
        why = "ended" if self.has_ended() else f"did not answer {url} within {seconds:.0f} s"
        tail = self.log.read_text(errors="replace")[-2000:]
        raise StartError(f"{self.name} {why}. The end of {self.log}:\n{tail}")

    def stop(self) -> None:
        """SIGTERM, time to flush, then SIGKILL for whatever of its group is left; at once if interrupted."""
        try:
            if not self.has_ended():
                self._signal(signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    self._child.wait(STOP_SECONDS)
        finally:
            self._signal(signal.SIGKILL)
            self._child.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):  # macOS says EPERM for a group of zombies
            os.killpg(self._child.pid, number)
