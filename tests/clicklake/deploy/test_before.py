"""What the commands do before they touch anything: say where, ask, refuse what they do not know."""

import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from clicklake.deploy.ingest import SECRETS, stages
from clicklake.deploy.settings import INGEST_SETTINGS
from tests.cloudformation.resolved import ACCOUNT
from tests.support.checkout import Checkout
from tests.support.emulator import Emulator
from tests.support.paths import ROOT

UP, DOWN = ("deploy", "--stage", "dev"), ("undeploy", "--stage", "dev")


class Command:
    """`clicklake deploy`, against an emulator that is empty and must stay empty."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.env = Checkout(ROOT, emulator).env
        self.words = [str(ROOT / ".run/envs/cli/bin/python"), "-m", "clicklake"]

    def __call__(self, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
        command, env = [*self.words, *words], self.env | env
        nobody = subprocess.DEVNULL
        return subprocess.run(command, cwd=ROOT, env=env, stdin=nobody, capture_output=True, text=True)

    def at_a_terminal(self, *words: str, answer: str) -> tuple[int, str]:
        ours, theirs = os.openpty()
        with open(ours, "r+b", buffering=0) as terminal, open(theirs) as stdin:
            command = [*self.words, *words]
            running = subprocess.Popen(command, cwd=ROOT, env=self.env, stdin=stdin, stdout=subprocess.PIPE)
            terminal.write(answer.encode() + b"\n")
            printed, _ = running.communicate(timeout=60)
        return running.returncode, printed.decode()

    def has_touched(self) -> bool:
        buckets = self.emulator.client("s3").list_buckets()["Buckets"]
        return bool(buckets or self.emulator.client("cloudformation").describe_stacks()["Stacks"])


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    running = Emulator(tmp_path_factory.mktemp("untouched")).start()
    yield Command(running)
    running.stop()


@pytest.mark.parametrize("words", [UP, DOWN])
def test_without_a_terminal_nothing_is_done_unless_yes_is_passed(
    command: Command, words: tuple[str, ...]
) -> None:
    done = command(*words)
    assert (done.returncode, "--yes" in done.stderr) == (2, True)
    for fact in ("dev", ACCOUNT, "us-east-1", command.emulator.gateway):
        assert fact in done.stdout
    assert not command.has_touched()


def test_any_answer_but_yes_means_no(command: Command) -> None:
    returncode, printed = command.at_a_terminal(*UP, answer="")
    assert (returncode, "[y/N]" in printed) == (2, True)
    assert not command.has_touched()


def test_yes_at_a_terminal_is_yes(command: Command) -> None:
    returncode, printed = command.at_a_terminal(*DOWN, answer="y")
    assert (returncode, "removed. Still there" in printed) == (0, True)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("RawDay=30", "RawDays"),
        ("EdgeSecret=0123456789", "EdgeSecret=0123456789: not"),
        ("ITEM_ID_FIELD=productId", "ItemIdField"),
    ],
)
def test_an_unknown_setting_is_refused_with_the_known_ones(command: Command, setting: str, told: str) -> None:
    done = command(*UP, "--yes", setting)
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr
    assert not command.has_touched()


def test_an_unknown_stage_is_refused_with_the_known_ones(command: Command) -> None:
    done = command("deploy", "--stage", "prod", "--yes")
    assert done.returncode == 2
    assert all(stage in done.stderr for stage in stages())


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({"AWS_DEFAULT_REGION": ""}, "AWS_DEFAULT_REGION"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SHARED_CREDENTIALS_FILE": os.devnull}, "credentials"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "http://127.0.0.1:9"),
    ],
)
def test_a_wrong_environment_variable_is_reported(command: Command, env: dict[str, str], told: str) -> None:
    done = command(*UP, "--yes", **env)
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_bucket_of_another_account_is_refused(command: Command) -> None:
    name = f"clicklake-artifacts-{ACCOUNT}-us-east-1"
    stranger = command.emulator.client("s3", aws_access_key_id="111111111111")
    stranger.create_bucket(Bucket=name)
    done = command(*UP, "--yes")
    stranger.delete_bucket(Bucket=name)
    assert (done.returncode, f"{name} is not ours to use" in done.stderr) == (2, True), done.stderr


def test_every_setting_that_the_app_reads_can_be_set() -> None:
    source = (ROOT / "ingest_app" / "settings.py").read_text()
    read = {name for name in re.findall(r'read\("(\w+)"', source) if not name.startswith("AWS_")}
    assert read == {*INGEST_SETTINGS, *SECRETS, "CLICK_STREAM", "ITEM_ID_FIELD"}
