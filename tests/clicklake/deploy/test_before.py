"""What deploy and undeploy do before they change anything: show the target, ask, refuse unknown options."""

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from clicklake.cli.group import main
from clicklake.deploy.ingest import SECRETS
from clicklake.deploy.settings import INGEST_SETTINGS
from tests.cloudformation.resolved import ACCOUNT
from tests.support.checkout import Checkout
from tests.support.emulator import Emulator
from tests.support.paths import ROOT

DEPLOY, UNDEPLOY = ("deploy", "--stage", "dev"), ("undeploy", "--stage", "dev")


@dataclass
class Ended:
    code: int
    stdout: str
    stderr: str


class Command:
    """The clicklake command in this process, with an emulator that is empty and must stay empty."""

    def __init__(
        self, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.emulator, self._monkeypatch, self._capsys = emulator, monkeypatch, capsys
        for name, value in Checkout(ROOT, emulator).env.items():
            if name.startswith("AWS_"):
                monkeypatch.setenv(name, value)

    def __call__(self, *arguments: str, stdin: str = os.devnull) -> Ended:
        with open(stdin) as file:
            self._monkeypatch.setattr(sys, "stdin", file)
            with pytest.raises(SystemExit) as ended:
                main(list(arguments))
        captured = self._capsys.readouterr()
        return Ended(int(str(ended.value.code)), captured.out, captured.err)

    def at_a_terminal(self, *arguments: str, answer: str) -> Ended:
        ours, theirs = os.openpty()
        with open(ours, "r+b", buffering=0) as terminal, open(theirs, "rb"):
            terminal.write(answer.encode() + b"\n")
            return self(*arguments, stdin=os.ttyname(theirs))

    def has_changed_something(self) -> bool:
        buckets = self.emulator.client("s3").list_buckets()["Buckets"]
        return bool(buckets or self.emulator.client("cloudformation").describe_stacks()["Stacks"])


class S3OfAnotherAccount(BaseHTTPRequestHandler):
    """Answers as S3 does for a bucket that another account has."""

    def do_HEAD(self) -> None:
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    running = Emulator(tmp_path_factory.mktemp("untouched")).start()
    yield running
    running.stop()


@pytest.fixture
def command(
    untouched: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(untouched, monkeypatch, capsys)


@pytest.mark.emulator
@pytest.mark.parametrize("arguments", [DEPLOY, UNDEPLOY])
def test_without_a_terminal_nothing_is_done_unless_yes_is_passed(
    command: Command, arguments: tuple[str, ...]
) -> None:
    ended = command(*arguments)
    assert (ended.code, "--yes" in ended.stderr) == (2, True)
    for fact in ("dev", ACCOUNT, "us-east-1", command.emulator.gateway):
        assert fact in ended.stdout
    assert not command.has_changed_something()


@pytest.mark.emulator
def test_any_answer_but_yes_means_no(command: Command) -> None:
    ended = command.at_a_terminal(*DEPLOY, answer="")
    assert (ended.code, "[y/N]" in ended.stderr, "nothing was changed" in ended.stderr) == (2, True, True)
    assert not command.has_changed_something()


@pytest.mark.emulator
def test_yes_at_a_terminal_is_yes(command: Command) -> None:
    ended = command.at_a_terminal(*UNDEPLOY, answer="y")
    assert (ended.code, "removed. Still there" in ended.stdout) == (0, True)


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("RawDay=30", "RawDays"),
        ("EdgeSecret=0123456789", "EdgeSecret=0123456789: not"),
        ("ITEM_ID_FIELD=productId", "ItemIdField"),
    ],
)
def test_an_unknown_setting_is_refused_with_the_known_ones(
    command: Command, setting: str, reason: str
) -> None:
    ended = command(*DEPLOY, "--yes", setting)
    assert (ended.code, reason in ended.stderr) == (2, True), ended.stderr
    assert not command.has_changed_something()


@pytest.mark.emulator
@pytest.mark.parametrize("stage", ["Prod", "a-b", "1st", "", "a" * 17, "pipeline", "../x"])
def test_a_name_that_no_stage_can_have_is_refused_with_the_rule(command: Command, stage: str) -> None:
    ended = command("deploy", "--stage", stage, "--yes")
    said = " ".join(ended.stderr.replace("│", " ").split())
    assert ended.code == 2
    assert "1 to 16 lower-case letters and digits" in said or "reserved" in said
    assert not command.has_changed_something()


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("ALLOWED_ORIGINS=shop.example", "ALLOWED_ORIGINS must be"),
        ("GPC_MODE=maybe", "GPC_MODE must be one of strip, refuse, ignore"),
        ("GPC_MODE=Strip", "GPC_MODE must be one of"),
        ("KEEP_QUERY=yes", "KEEP_QUERY must be true or false"),
        ("ItemIdField=userId", "ItemIdField: the processor would not start: ITEM_ID_FIELD"),
        ("ItemIdField=eventId", "ItemIdField: the processor would not start"),
        ("ItemIdField=9x", "ItemIdField=9x: 1 to 64 letters"),
        ("CatalogueAttributes=url", "CATALOGUE_ATTRIBUTES: 'url' is already a field of the line"),
        ("CatalogueUrl=shop.example/{id}", "CatalogueUrl=shop.example/{id}: Empty, none"),
        ("RawDays=-1", "RawDays=-1: is not between 0 and 3650"),
        ("RawDays=many", "RawDays=many: is not a number"),
        ("LogDays=2", "LogDays=2: must be one of 1, 3"),
        ("AlarmMail=nobody", "AlarmMail=nobody"),
    ],
)
def test_a_value_that_a_template_or_a_bundle_would_refuse_is_refused_before_anything_is_touched(
    command: Command, setting: str, reason: str
) -> None:
    ended = command(*DEPLOY, "--yes", setting)
    assert (ended.code, reason in " ".join(ended.stderr.split())) == (2, True), ended.stderr
    assert not command.has_changed_something()


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"AWS_DEFAULT_REGION": ""}, "AWS_DEFAULT_REGION"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SHARED_CREDENTIALS_FILE": os.devnull}, "credentials"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "http://127.0.0.1:9"),
    ],
)
def test_a_wrong_environment_variable_is_reported(
    command: Command, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], reason: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    ended = command(*DEPLOY, "--yes")
    assert (ended.code, reason in ended.stderr) == (2, True), ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.emulator
@pytest.mark.parametrize("arguments", [DEPLOY, UNDEPLOY])
def test_a_missing_environment_is_reported_with_its_make_target(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr("clicklake.deploy.prerequisites.ENVS", tmp_path)
    ended = command(*arguments, "--yes")
    assert (ended.code, "make .run/envs/ingest.ready" in ended.stderr) == (2, True), ended.stderr
    assert not command.has_changed_something()


@pytest.mark.emulator
def test_a_missing_bundle_is_reported_with_its_make_target(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("clicklake.deploy.prerequisites.STAGE", tmp_path)
    ended = command(*DEPLOY, "--yes")
    assert (ended.code, "make .run/stage.ready" in ended.stderr) == (2, True), ended.stderr
    assert not command.has_changed_something()


@pytest.mark.emulator
def test_a_bucket_of_another_account_is_refused(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"clicklake-artifacts-{ACCOUNT}-us-east-1"
    with ThreadingHTTPServer(("127.0.0.1", 0), S3OfAnotherAccount) as s3:
        Thread(target=s3.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{s3.server_port}")
        ended = command(*DEPLOY, "--yes")
        s3.shutdown()
    assert (ended.code, f"{name} is not ours to use" in ended.stderr) == (2, True), ended.stderr


def test_every_setting_that_the_app_reads_can_be_set() -> None:
    source = (ROOT / "ingest_app" / "settings.py").read_text()
    known = {"CLICK_STREAM", "VISITOR_KEY_TABLE", "ITEM_ID_FIELD", "ITEM_ID_PATTERN"}  # follow stage and lake
    read = {name for name in re.findall(r'read\("(\w+)"', source) if not name.startswith("AWS_")}
    assert read == {*INGEST_SETTINGS, *SECRETS, *known}
