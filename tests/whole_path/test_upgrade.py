"""docs/upgrading.md, walked through: a stage of 0.1.0 is deployed, filled and upgraded, and nothing is lost.

0.1.0 is deployed by its own code (tests/data/0.1.0: code.tar.xz has its bundles, its `deploy` and its site),
with its own templates. Its libraries are today's: both have the same pins.
"""

import json
import shutil
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from clicklake import __version__
from tests.support.checkout import Checkout, Stage
from tests.support.emulator import Emulator, settled
from tests.support.landed import EVANGELINE, eventually
from tests.support.paths import ENVS, ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(900)]

FROZEN = ROOT / "tests" / "data" / "0.1.0"
OLD_ROLE = "clicklake-dev-ZappaLambdaExecutionRole"
FROZEN_DAY = ("--from", "2026-11-28T04", "--to", "2026-11-28T05")
LANDED_SECONDS = 60


@dataclass
class Upgraded:
    """A stage that was deployed by 0.1.0, and then by this checkout."""

    stage: Stage
    old_api: str
    before: set[str] = field(default_factory=set)
    """Event ids that 0.1.0 accepted."""
    meanwhile: set[str] = field(default_factory=set)
    """Those that either version accepted while the upgrade went on."""
    old_variables: dict[str, str] = field(default_factory=dict)
    old_roles: list[str] = field(default_factory=list)
    old_lines: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    state = tmp_path_factory.mktemp("emulator")
    running = Emulator(state, CLICKLAKE_MAX_BUFFER_SECONDS="0.2").start()
    yield running
    running.stop()


def checkout_of_0_1_0(folder: Path, emulator: Emulator) -> Checkout:
    """Unpack 0.1.0, with its processor bundled for this machine and buckets that accept plain HTTP."""
    with tarfile.open(FROZEN / "code.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    shutil.copytree(FROZEN / "cloudformation", folder / "cloudformation")
    shutil.copy(FROZEN / "zappa_settings.json", folder)
    old = Checkout(folder, emulator)
    for template in ("template.yaml", "site.yaml"):
        old.replace(f"cloudformation/{template}", 'SecureTransport: "false"', "SecureTransport: never")
    run = folder / ".run"
    bundle = run / "stage" / "build" / "processor"
    shutil.copytree(ROOT / ".run" / "stage" / "build" / "processor", bundle)
    shutil.rmtree(bundle / "processor")
    shutil.copytree(folder / "processor", bundle / "processor")
    (run / "stage" / "cloudformation").mkdir()
    shutil.copy(folder / "cloudformation" / "template.yaml", run / "stage" / "cloudformation")
    (run / "envs").symlink_to(ENVS)
    return old


def deploy_0_1_0(old: Checkout) -> str:
    command = [str(ENVS / "cli" / "bin" / "python"), "-m", "deploy", "up", "--stage", "dev", "--yes"]
    done = old.run(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def send(api: str, **fields: Any) -> set[str]:
    """Return the ids of the clicks that the API accepted; none if it refused or did not answer."""
    click = {"userId": "u-1", "mysfitId": EVANGELINE, "eventId": str(uuid4())} | fields
    try:
        response = requests.put(f"{api}/clicks", json=click, timeout=30)
    except requests.RequestException:
        return set()
    if response.status_code != 202:
        return set()
    return {receipt["eventId"] for receipt in response.json()["receipts"] if receipt["result"] == "accepted"}


class SteadyVisitor(threading.Thread):
    """Sends a click whenever the one before was answered, until it is stopped."""

    def __init__(self, api: str) -> None:
        super().__init__(daemon=True)
        self.api, self.accepted, self.is_over = api, set[str](), threading.Event()

    def run(self) -> None:
        while not self.is_over.wait(0.2):
            self.accepted |= send(self.api)


def put_frozen_lake(stage: Stage) -> None:
    """Add the lake that 0.1.0 wrote on another day: clicks/, raw/ and failed/."""
    s3 = stage.client("s3")
    for file in filter(Path.is_file, (FROZEN / "lake").rglob("*")):
        key = str(file.relative_to(FROZEN / "lake"))
        encoding: Any = {"ContentEncoding": "gzip"} if file.suffix == ".gz" else {}
        s3.put_object(Bucket=stage.bucket, Key=key, Body=file.read_bytes(), **encoding)


def roles(stage: Stage) -> list[str]:
    return [role["RoleName"] for role in stage.client("iam").list_roles()["Roles"]]


@pytest.fixture(scope="module")
def upgraded(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Upgraded:
    old = checkout_of_0_1_0(tmp_path_factory.mktemp("old") / "checkout", emulator)
    before = Stage(old, deploy_0_1_0(old))
    found = Upgraded(before, before.api)
    for _ in range(5):
        found.before |= send(before.api)
    found.before |= send(before.api, mysfitId="not-in-the-catalogue")
    assert len(found.before) == 6
    settled(emulator)
    put_frozen_lake(before)
    found.old_variables = before.environment("clicklake-dev")
    found.old_roles = roles(before)
    found.old_lines = emulator.get("/delivered")

    new = Checkout.copy(tmp_path_factory.mktemp("new") / "checkout", emulator)
    new.speak_plain_http()
    visitor = SteadyVisitor(before.api)
    visitor.start()
    try:
        found.stage = Stage(new, new.make("deploy", "STAGE=dev", "YES=1"))
    finally:
        visitor.is_over.set()
        visitor.join(60)
    found.meanwhile = visitor.accepted
    settled(emulator)
    return found


def clicklake(upgraded: Upgraded, *words: str, codes: tuple[int, ...] = (0,)) -> str:
    checkout = upgraded.stage.checkout
    cache = {"XDG_CACHE_HOME": str(checkout.folder / ".run" / "cache")}
    python = str(ENVS / "cli" / "bin" / "python")
    done = checkout.run(python, "-m", "clicklake", words[0], "--stage", "dev", *words[1:], **cache)
    assert done.returncode in codes, done.stdout + done.stderr
    return done.stdout


def test_0_1_0_was_really_there(upgraded: Upgraded) -> None:
    assert "VISITOR_KEY" in upgraded.old_variables
    assert OLD_ROLE in upgraded.old_roles
    lines = [line for line in upgraded.old_lines if line["eventId"] in upgraded.before]
    assert {line["enrichment"] for line in lines} == {"ok", "unknown item"}
    assert not [line for line in lines if "itemLookup" in line]


def test_the_api_keeps_its_address_and_has_the_new_version(upgraded: Upgraded) -> None:
    assert upgraded.stage.api == upgraded.old_api
    health = requests.get(f"{upgraded.stage.api}/health", timeout=30).json()
    assert health["version"] == __version__


def test_the_lake_keeps_its_bucket(upgraded: Upgraded) -> None:
    keys = upgraded.stage.client("s3").list_objects_v2(Bucket=upgraded.stage.bucket, Prefix="clicks/")
    assert keys["KeyCount"] > 0
    assert "clicklake-lake-dev-databucket" in upgraded.stage.bucket


def test_a_click_of_today_lands_as_a_line_of_today(upgraded: Upgraded) -> None:
    line = upgraded.stage.line_of(upgraded.stage.put({"userId": "u-1", "itemId": EVANGELINE}))
    assert line["itemLookup"] == "found"
    assert "enrichment" not in line


def test_nothing_that_was_accepted_before_or_meanwhile_is_lost(upgraded: Upgraded) -> None:
    accepted = upgraded.before | upgraded.meanwhile
    assert upgraded.meanwhile, "no click was accepted during the upgrade"

    def landed() -> bool:
        return accepted <= {line["eventId"] for line in upgraded.stage.checkout.emulator.get("/delivered")}

    assert eventually(landed, seconds=LANDED_SECONDS)
    result = json.loads(clicklake(upgraded, "reconcile", "--no-wait", "--json"))
    assert (result["missing"], result["unreadable"], result["columns"]["faults"]) == (0, [], [])
    assert result["accepted"] >= len(accepted)


def test_the_frozen_lake_is_whole_too(upgraded: Upgraded) -> None:
    result = json.loads(clicklake(upgraded, "reconcile", *FROZEN_DAY, "--json"))
    assert result["accepted"] > 0
    assert result["missing"] == 0


def test_old_and_new_lines_answer_the_same_question(upgraded: Upgraded) -> None:
    sql = "select itemlookup, count(*) as n from events where userid = 'u-1' group by itemlookup"
    for _ in ("from lines", "from columns"):
        rows = json.loads(clicklake(upgraded, "query", sql, "--format", "json"))
        counts = {row["itemlookup"]: row["n"] for row in rows}
        assert counts["not_found"] == 1
        assert counts["found"] >= 5 + len(upgraded.meanwhile)
        assert counts.keys() == {"found", "not_found"}
        clicklake(upgraded, "compact")


def test_the_old_lines_are_compacted(upgraded: Upgraded) -> None:
    clicklake(upgraded, "compact")
    plan = json.loads(clicklake(upgraded, "compact", *FROZEN_DAY, "--dry-run", "--json"))
    assert plan["hours"] == []
    keys = upgraded.stage.client("s3").list_objects_v2(Bucket=upgraded.stage.bucket, Prefix="columns/")
    assert "columns/dt=2026-11-28/hr=04/events.parquet" in [each["Key"] for each in keys["Contents"]]


def test_failures_of_0_1_0_are_replayed_or_parked_by_todays_processor(upgraded: Upgraded) -> None:
    done = json.loads(clicklake(upgraded, "replay", *FROZEN_DAY, "--json"))
    assert done["objects"] == 2
    for counts in done["byErrorCode"].values():  # of one record, an envelope is replayed and garbage parked
        assert counts["records"] <= counts["replayed"] + counts["parked"]
    settled(upgraded.stage.checkout.emulator)
    failed = upgraded.stage.client("s3").list_objects_v2(Bucket=upgraded.stage.bucket, Prefix="failed/")
    assert failed["KeyCount"] == 0
    result = json.loads(clicklake(upgraded, "reconcile", *FROZEN_DAY, "--no-wait", "--json"))
    assert (result["missing"], result["failed"]) == (0, {})


def test_zappas_old_role_and_the_old_key_are_gone(upgraded: Upgraded) -> None:
    stage = upgraded.stage
    assert OLD_ROLE not in roles(stage)
    assert "VISITOR_KEY" not in stage.environment("clicklake-dev")
    assert stage.environment("clicklake-dev")["EDGE_SECRET"] == upgraded.old_variables["EDGE_SECRET"]
    versions = stage.client("lambda").list_versions_by_function(FunctionName="clicklake-dev")["Versions"]
    assert not [each for each in versions if "VISITOR_KEY" in each["Environment"]["Variables"]]


def test_the_stage_keeps_its_settings(upgraded: Upgraded) -> None:
    """docs/upgrading.md: a stage that exists keeps its attributes, and keeps its lines for ever."""
    parameters = {
        each["ParameterKey"]: each["ParameterValue"]
        for each in upgraded.stage.stack("clicklake-lake-dev")["Parameters"]
    }
    assert parameters["CatalogueAttributes"] == "goodevil,lawchaos,species"
    assert parameters["ClicksDays"] == "0"
    assert parameters["ColumnsDays"] == "760"


def test_status_says_that_the_stage_is_well(upgraded: Upgraded) -> None:
    status = json.loads(clicklake(upgraded, "status", "--json", codes=(0, 1)))
    deployed = status["versions"]["deployed"]
    assert {deployed[name]["version"] for name in ("ingest", "processor", "keeper")} == {__version__}
    assert [each for each in status["attention"] if each["part"] in ("versions", "delivery")] == []
