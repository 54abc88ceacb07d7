"""The app as `flask --app ingest_app run` serves it, in a process of its own."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping

from tests.support.paths import ROOT


class FlaskRun:
    """Runs until `close`. `log` is everything that it has written."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.log = ""
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-m", "flask", "--app", "ingest_app", "run", "--port", "0"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.port = self._read_port()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _read_port(self) -> int:
        assert self._process.stdout
        for line in self._process.stdout:
            self.log += line
            if running := re.search(r"Running on http://127\.0\.0\.1:(\d+)", line):
                return int(running[1])
        raise RuntimeError(self.log)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.log += line

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout
        self._process.stdout.close()
