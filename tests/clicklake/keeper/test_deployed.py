"""The keeper as lake.yaml deploys it, in the emulator: its bundle, its role, and its calls of itself."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from clicklake.keeper.reconciliation import final_day
from clicklake.lake.columns import columns_key
from clicklake.lake.partitions import HOUR, hour_of
from tests.cloudformation.account import Account
from tests.support.emulator import Emulator
from tests.support.lakes import TestLake, line, new_id
from tests.support.landed import eventually
from tests.support.paths import ROOT

pytestmark = [pytest.mark.emulator, pytest.mark.timeout(300)]

STAGE = ROOT / ".run" / "stage"
CLOSED = hour_of(datetime.now(UTC)) - 2 * HOUR
SECONDS = 120


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Account, dict[str, str]]]:
    """A lake of the template with this checkout's keeper, in an emulator of its own."""
    emulator = Emulator(tmp_path_factory.mktemp("emulator")).start()
    checkout = tmp_path_factory.mktemp("checkout")
    for name in ("processor", "keeper"):
        shutil.copytree(STAGE / "build" / name, checkout / "build" / name)
    template = checkout / "cloudformation" / "lake.yaml"
    template.parent.mkdir()
    template.write_text((ROOT / "cloudformation" / "lake.yaml").read_text())
    account = Account(emulator.gateway)
    account.package(template, checkout / "packaged.yaml")
    account.deploy(checkout / "packaged.yaml", "clicklake-lake-dev")
    outputs = account.outputs("clicklake-lake-dev")
    # The emulator speaks plain HTTP, which the bucket refuses.
    account.client("s3").delete_bucket_policy(Bucket=outputs["BucketName"])
    yield account, outputs
    emulator.stop()


@pytest.fixture
def lake(deployed: tuple[Account, dict[str, str]]) -> TestLake:
    account, outputs = deployed
    return TestLake(outputs["BucketName"], account.client("s3"))


def invoke(deployed: tuple[Account, dict[str, str]], event: dict[str, str], kind: str) -> Any:
    account, outputs = deployed
    return account.client("lambda").invoke(
        FunctionName=outputs["KeeperFunctionName"], InvocationType=kind, Payload=json.dumps(event)
    )


def test_schedules_event_compacts_every_closed_hour(
    deployed: tuple[Account, dict[str, str]], lake: TestLake
) -> None:
    hours = [CLOSED - 3 * HOUR, CLOSED - HOUR, CLOSED]
    shared = new_id()
    for hour in hours:
        lake.put("clicks", [line(new_id(), hour), line(shared, hour)], hour)
    invoke(deployed, {"job": "compact"}, "Event")
    keys = [columns_key(hour) for hour in hours]
    assert eventually(lambda: lake.keys("columns/") == keys, seconds=SECONDS)
    metadata = lake.s3.head_object(Bucket=lake.bucket, Key=keys[0])["Metadata"]
    assert (metadata["lines"], metadata["events"]) == ("2", "2")
    done = invoke(deployed, {"job": "compact"}, "RequestResponse")
    assert json.loads(done["Payload"].read()) == {"hours": 0, "left": 0}


def test_failed_hour_is_an_error_that_names_its_object(
    deployed: tuple[Account, dict[str, str]], lake: TestLake
) -> None:
    key = lake.put("clicks", [line(new_id(), CLOSED - 5 * HOUR)], CLOSED - 5 * HOUR)
    broken = lake.put_broken(key)
    failed = invoke(deployed, {"job": "compact"}, "RequestResponse")
    assert "FunctionError" in failed
    assert broken in json.loads(failed["Payload"].read())["errorMessage"]
    lake.s3.delete_object(Bucket=lake.bucket, Key=broken)


def test_the_schedules_are_there_and_start_the_keeper(deployed: tuple[Account, dict[str, str]]) -> None:
    account, outputs = deployed
    scheduler = account.client("scheduler")
    states = {}
    for found in scheduler.list_schedules()["Schedules"]:
        schedule = scheduler.get_schedule(Name=found["Name"])
        assert schedule["Target"]["Arn"].endswith(f":function:{outputs['KeeperFunctionName']}")
        states[json.loads(schedule["Target"]["Input"])["job"]] = schedule["State"]
    on = dict.fromkeys(("compact", "reconcile", "key", "mail"), "ENABLED")
    assert states == {**on, "replay": "DISABLED"}


def test_the_deployed_function_reconciles_a_day_whose_event_the_schedule_sends(
    deployed: tuple[Account, dict[str, str]], lake: TestLake
) -> None:
    """It calls itself for each day, under its own role."""
    invoke(deployed, {"job": "reconcile"}, "RequestResponse")
    day = final_day(datetime.now(UTC))
    key = f"keeper/dt={day}/reconcile.json"
    assert eventually(lambda: lake.keys(key), seconds=SECONDS)
    assert json.loads(lake.body(key))["final"] is True


def test_the_bundle_is_the_one_of_this_checkout() -> None:
    shipped = STAGE / "build" / "keeper" / "clicklake"
    for file in Path(shipped).rglob("*.py"):
        assert file.read_bytes() == (ROOT / "clicklake" / file.relative_to(shipped)).read_bytes(), file
