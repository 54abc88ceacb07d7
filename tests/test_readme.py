"""Every command of README, docs/deploy.md and docs/local.md, run as a reader runs it.

All commands of a section are one script, in their order. They run in a copy of the checkout, against what
`make run` starts. Sections that deploy get an emulator of their own. The tables below list what this test
changes in the commands, with the reason.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from clicklake.local.ports import free_port
from tests.support.checkout import Checkout
from tests.support.emulator import Emulator
from tests.support.landed import eventually
from tests.support.paths import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(900)]

START_SECONDS = 120
NO_COMMAND = re.compile(r"[<{]|dashboard   http|select ")  # HTML, JSON, printed output, SQL
NOT_RUN = {
    "Develop it": "make test runs this very test",
    "Deploy on each push": "no emulator has CodeCommit",
    "The dashboard": "tests/clicklake/deploy/test_dashboard.py deploys it, and uses it",
    "LocalStack": "needs Docker and a token",
    "Watch clicks land": "follows the events until Ctrl-C",
    "Inject faults": "tests/clicklake/local injects each fault",
    "Prove a stage": "tests/clicklake/verify proves one",
}
DEPLOYING = {  # to an emulator on this machine
    "make bundle\n": "mkdir -p build; make .run/stage.ready\n",  # for this machine and its Python
    "--template-file cloudformation/lake.yaml": "--template-file .run/stage/cloudformation/lake.yaml",
    "$(cat build/runtime)": f"python{sys.version_info.major}.{sys.version_info.minor}",
    "https://$API.execute-api.$AWS_DEFAULT_REGION.amazonaws.com/": "$AWS_ENDPOINT_URL/_aws/execute-api/$API/",
    "SavedQueries=yes": "SavedQueries=no",  # the emulator has none
    "AlarmMail=": "ShareAlarms=no AlarmMail=",  # the emulator has no metric math
    "aws s3 ls --recursive": "sleep 5; aws s3 ls --recursive",  # instead of two minutes
}
UNASKED = {r"(make (?:un)?deploy STAGE=\w+)": r"\1 YES=1"}  # nobody can answer the question
PATIENT = {  # wait for what a person would look for
    "curl http://127.0.0.1:4567/delivered": "until curl -s http://127.0.0.1:4567/delivered | grep species; "
    "do sleep 1; done",
    "flask --app ingest_app run --port 5051": "flask --app ingest_app run --port 5051 & FLASK=$!\n"
    "until curl -sf http://127.0.0.1:5051/health; do sleep 1; done; kill $FLASK",
}


@dataclass(frozen=True)
class Section:
    heading: str
    commands: str


def sections_of(document: str) -> list[Section]:
    """Return each section that has commands, indented or fenced as `sh`."""
    found = []
    for part in re.split(r"^## ", (ROOT / document).read_text(), flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        fenced = re.findall(r"^```sh\n(.*?)^```", body, re.MULTILINE | re.DOTALL)
        unfenced = re.sub(r"^```.*?^```", "", body, flags=re.MULTILINE | re.DOTALL)
        indented = re.findall(r"(?:^    .*\n)+", unfenced, re.MULTILINE)
        blocks = [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in indented] + fenced
        commands = [block for block in blocks if not NO_COMMAND.match(block.strip())]
        if commands:
            found.append(Section(heading, "\n".join(commands)))
    return found


def commands_of(document: str) -> dict[str, str]:
    return {section.heading: section.commands for section in sections_of(document)}


README, DEPLOY, LOCAL = map(commands_of, ("README.md", "docs/deploy.md", "docs/local.md"))


def script(commands: str, *tables: dict[str, str]) -> str:
    for table in tables:
        for pattern, replacement in table.items():
            commands = re.sub(pattern if table is UNASKED else re.escape(pattern), replacement, commands)
    return commands


def run(checkout: Checkout, commands: str) -> str:
    tools = checkout.folder / ".run/bin"  # where the set-up leaves clicklake and the AWS CLI
    path = f"{checkout.env['PATH']}:{tools}"
    # The scripts in .run/bin belong to the tests' own checkout. PYTHONPATH makes them use the copy.
    done = checkout.run(
        "bash", "-exo", "pipefail", "-c", commands, PATH=path, PYTHONPATH=str(checkout.folder)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Checkout, str, dict[str, str]]]:
    """Start `make run` on free ports. Yield the checkout, the output, and README's ports with ours."""
    ports = {port: str(free_port()) for port in ("4566", "4567", "4568", "5050", "5051")}
    checkout = Checkout.copy(tmp_path_factory.mktemp("readme") / "checkout", Emulator(Path("unused")))
    log = checkout.folder / "run.log"
    names = {"S3_PORT": "4566", "LIVE_PORT": "4567", "API_PORT": "5050", "DASHBOARD_PORT": "4568"}
    words = [f"{name}={ports[port]}" for name, port in names.items()]
    with log.open("wb") as output:
        made = subprocess.Popen(
            ["make", "run", *words],
            cwd=checkout.folder,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        eventually(lambda: "Ctrl-C" in log.read_text() or made.poll() is not None, seconds=START_SECONDS)
        assert made.poll() is None, log.read_text()
        yield checkout, log.read_text(), ports
    finally:
        os.killpg(made.pid, signal.SIGINT)  # as Ctrl-C does
        made.wait(60)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Checkout]:
    """Yield a copy of the checkout with an empty emulator."""
    emulator = Emulator(tmp_path / "state").start()
    yield Checkout.copy(tmp_path / "checkout", emulator)
    emulator.stop()


def test_run_it_and_ask_the_lake(running: tuple[Checkout, str, dict[str, str]]) -> None:
    checkout, printed, ports = running
    documented = re.findall(r"^       (\w+)   ", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert documented == re.findall(r"^   (\w+)   ", printed, re.MULTILINE)
    first, rest = README["Run it"].split("\n", 1)
    assert first == "make run"
    local = LOCAL["Read the lake"] + LOCAL["Run the ingest app alone"]
    commands = script(rest + README["What you get"] + local, PATIENT)
    for port, ours in ports.items():
        commands = commands.replace(port, ours)
    output = run(checkout, commands)
    lines = [line for line in output.splitlines() if '"species":"Chimera"' in line]
    assert len(lines) >= 2  # on the live page, and in S3
    assert "Chimera" in output.replace('"species":"Chimera"', "")  # in the query's result
    assert (checkout.folder / "build" / "report.html").exists()


def test_deploy_it(empty: Checkout) -> None:
    run(empty, script(README["Deploy it"], DEPLOYING, UNASKED))
    assert empty.emulator.client("lambda").get_function(FunctionName="clicklake-dev")


def test_deploy_by_hand_continue_with_make_and_undeploy_by_hand(empty: Checkout) -> None:
    landed = run(empty, script(DEPLOY["By hand"], DEPLOYING))
    assert "clicks/dt=" in landed
    run(empty, script(DEPLOY["Settings"], UNASKED))
    lake = (
        "aws cloudformation deploy --template-file build/packaged.yaml"
        " --stack-name clicklake-lake-production"
        " --capabilities CAPABILITY_IAM --parameter-overrides Stage=production"
        f" Runtime=python3.{sys.version_info.minor}"
    )
    zappa = ". .run/envs/ingest/bin/activate; zappa deploy production; deactivate"
    run(empty, f"{lake}\n{zappa}\n{DEPLOY['By hand, production']}")
    by_make, by_hand = DEPLOY["Undeploying"].split("\n", 1)
    assert by_make == "make undeploy STAGE=dev"
    run(empty, f"STAGE=dev\n{by_hand}")
    roles = {
        role["RoleName"].rsplit("-", 1)[0] for role in empty.emulator.client("iam").list_roles()["Roles"]
    }
    ours = ("IngestRole", "ProcessorRole", "StreamRole", "KeeperRole", "ScheduleRole")
    assert roles == {f"clicklake-lake-production-{name}" for name in ours}
