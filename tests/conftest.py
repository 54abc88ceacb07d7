"""What every test shares: the checkout is importable, as it is from `flask --app ingest_app` in its root."""

import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

# A shell's background ignores interrupts, in every process below: those that tests end by Ctrl-C would go on.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--api", help="the API of a deployed stage, instead of a cloud of our own")
    parser.addoption(
        "--bucket", help="the lake's bucket of that stage; read with the AWS credentials at hand"
    )
