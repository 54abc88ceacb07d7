"""A stage deployed to an emulator of its own, and `clicklake verify` on it."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.checkout import Checkout, Stage
from tests.support.emulator import Emulator
from tests.support.paths import ENVS

Verify = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="package")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    state = tmp_path_factory.mktemp("emulator")
    running = Emulator(state, CLICKLAKE_MAX_BUFFER_SECONDS="0.2").start()
    yield running
    running.stop()


@pytest.fixture(scope="package")
def deployed(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    checkout = Checkout.copy(tmp_path_factory.mktemp("verify") / "checkout", emulator)
    checkout.speak_plain_http()
    return Stage(checkout, checkout.make("deploy", "STAGE=dev", "YES=1"))


def verify_command(*words: str) -> list[str]:
    return [str(ENVS / "cli" / "bin" / "python"), "-m", "clicklake", "verify", "--stage", "dev", *words]


@pytest.fixture
def verify(deployed: Stage, tmp_path: Path) -> Verify:
    """Run it to its end. What it writes is in the test's folder."""

    def run(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        cache = {"XDG_CACHE_HOME": str(deployed.checkout.folder / ".run" / "cache")}
        command = verify_command("--yes", "--out", os.fspath(tmp_path), *words)
        return deployed.checkout.run(*command, **cache, **environment)

    return run
