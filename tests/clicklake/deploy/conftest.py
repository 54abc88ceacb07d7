"""A stage deployed from nothing, by one who may do what the pipeline may and no more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checkout import Checkout, Stage
from tests.support.emulator import Emulator


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    running = Emulator(tmp_path_factory.mktemp("emulator")).start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def checkout(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    copied = Checkout.copy(tmp_path_factory.mktemp("deploy") / "checkout", emulator)
    copied.speak_plain_http()
    copied.become_the_pipeline()
    return copied


@pytest.fixture(scope="session")
def dev(checkout: Checkout) -> Stage:
    return Stage(checkout, checkout.make("deploy", "STAGE=dev", "YES=1"))


@pytest.fixture
def aws_cli(monkeypatch: pytest.MonkeyPatch, checkout: Checkout) -> Checkout:
    """For what is called here: the CLI of the environment that deploys, and an emulator, as root."""
    monkeypatch.setattr("clicklake.deploy.aws_cli.CLI", Path(checkout.folder, ".run/envs/cli/bin/aws"))
    root = Checkout(checkout.folder, checkout.emulator)
    for name, value in root.env.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return root
