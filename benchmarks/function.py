"""A design's handler, warm, in a process of its own; see subject.py."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.machine import PYTHON, SUBJECTS_CORE, pinned

SUBJECT = Path(__file__).with_name("subject.py")


class Sample(NamedTuple):
    """Of some requests, one after the other."""

    cpu_us: float
    """The mean: what the collector of garbage takes is a part of it."""
    walls_us: list[float]
    log_bytes: float
    """A request's."""
    peak_kib: int


def environment(firehose: str) -> dict[str, str]:
    """What Lambda and the deploy set."""
    return {
        "AWS_ENDPOINT_URL": firehose,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": "clicklake-dev",
        "CLICK_STREAM": "clicklake-dev",
        "PYTHONDONTWRITEBYTECODE": "1",  # Lambda's folder cannot be written
    }


class Function:
    def __init__(self, bundle: Path, handler: str, firehose: str) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (close closes it)
        reader, writer = os.pipe()
        python = [*pinned(SUBJECTS_CORE), PYTHON, "-I", "-S", "-B"]
        self._process = subprocess.Popen(  # noqa: S603
            [*python, str(SUBJECT), str(bundle), handler, str(writer)],
            env=environment(firehose),
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            text=True,
            pass_fds=[writer],
        )
        os.close(writer)
        self._samples = os.fdopen(reader)

    def __call__(self, event: dict[str, Any], times: int) -> Sample:
        """Raise where the answer is not a 202."""
        logged = os.fstat(self._log.fileno()).st_size
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"event": json.dumps(event), "times": times}) + "\n")
        self._process.stdin.flush()
        line = self._samples.readline()
        found = json.loads(line) if line else {}
        if found.get("answer", {}).get("statusCode") != 202:
            raise RuntimeError(f"{found.get('answer')}\n{self.log()}")
        return Sample(
            found["cpu_ns"] / 1000,
            [wall / 1000 for wall in found["walls_ns"]],
            (os.fstat(self._log.fileno()).st_size - logged) / times,
            found["peak"],
        )

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()
        self._samples.close()
        self._log.close()
