"""The shipped Lambda function, as a Python function of an event."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.ingest_app.events import Event, LambdaResponse
from tests.support.paths import ROOT


class LambdaFunction:
    """One warm execution environment. `log` is what the function has written to its log."""

    def __init__(self, bundle: Path, environment: Mapping[str, str]) -> None:
        self._log = bundle / "log.txt"
        reader, writer = os.pipe()
        command = [sys.executable, "-u", str(Path(__file__).with_name("lambda_runtime.py"))]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [*command, os.pathsep.join([str(bundle), str(ROOT)]), str(writer)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                text=True,
                env={"PYTHONDONTWRITEBYTECODE": "1", **environment},
                pass_fds=[writer],
            )
        os.close(writer)
        self._responses = os.fdopen(reader)

    def __call__(self, event: Event) -> LambdaResponse:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()
        line = self._responses.readline()
        assert line, self._log.read_text()
        response: LambdaResponse = json.loads(line)
        return response

    @property
    def log(self) -> str:
        return self._log.read_text()

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._responses.close()
        self._process.wait()
