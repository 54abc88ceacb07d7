"""A stage deployed from nothing, with the permissions of the pipeline and no others."""

from collections.abc import Iterator

import pytest

from clicklake.deploy.aws import AWS_CLI, Aws
from tests.support.checkout import Checkout, Stage
from tests.support.emulator import Emulator
from tests.support.paths import ENVS


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    state = tmp_path_factory.mktemp("emulator")
    running = Emulator(state, CLICKLAKE_MAX_BUFFER_SECONDS="0.1").start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def checkout(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    copied = Checkout.copy(tmp_path_factory.mktemp("deploy") / "a checkout", emulator)
    copied.speak_plain_http()
    copied.become_the_pipeline()
    return copied


@pytest.fixture(scope="session")
def dev(checkout: Checkout) -> Stage:
    return Stage(checkout, checkout.make("deploy", "STAGE=dev", "YES=1"))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, checkout: Checkout) -> Aws:
    """The emulator, as its root user, with the AWS CLI of the command's environment."""
    python = str(ENVS / "cli" / "bin" / "python")
    monkeypatch.setattr("clicklake.deploy.aws.AWS_CLI", (python, *AWS_CLI[1:]))
    return Aws(Checkout(checkout.folder, checkout.emulator).env)
