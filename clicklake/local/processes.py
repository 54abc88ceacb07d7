"""Child processes that never outlive us. Each has its own process group, and a file for its output."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError

from clicklake.errors import CommandError
from clicklake.lake.loopback import open_url

STOP_SECONDS = 10  # how long a child may flush its buffers before it is killed
POLL_SECONDS = 0.05


class StartError(CommandError):
    """A child did not start. The message names it, the last line of its output, and the log."""


class Process:
    """A running child. `stop` ends it together with every process that it started."""

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
        """Return once `url` answers 2xx. Raises StartError if the child ends first, or time runs out."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.has_ended():
            with suppress(URLError, OSError), open_url(url, timeout=1):
                return
            time.sleep(POLL_SECONDS)
        why = "ended" if self.has_ended() else f"did not answer {url} within {seconds:.0f} s"
        output = self.log.read_text(errors="replace").strip().splitlines()
        last_line = f": {output[-1].strip()}" if output else ""
        raise StartError(f"{self.name} {why}{last_line} (log: {self.log})")

    def stop(self) -> None:
        """Send SIGTERM, wait, then SIGKILL the rest of the group. If interrupted, SIGKILL at once."""
        try:
            if not self.has_ended():
                self._signal(signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    self._child.wait(STOP_SECONDS)
        finally:
            self._signal(signal.SIGKILL)
            self._child.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
            os.killpg(self._child.pid, number)
