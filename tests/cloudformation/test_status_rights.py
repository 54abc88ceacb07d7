"""`clicklake status` of a deployed stage: each part needs the actions of docs/operations.md, no others."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from clicklake import __version__
from clicklake.lake.bucket import Lake, find_lake
from clicklake.status.parts import Alarms, Refusal, Status, Versions
from clicklake.status.read import read_status
from clicklake.status.rights import ACTIONS
from tests.cloudformation.account import Account
from tests.support.emulator import zipped
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text()
FINDS_THE_LAKE = "cloudformation:DescribeStacks"
ALL = sorted({action for actions in ACTIONS.values() for action in actions})

ReadAs = Callable[..., Status]


def test_the_page_lists_the_actions_of_each_part() -> None:
    section = PAGE.split("\n### status\n")[1].split("\n### ")[0]
    rows = re.findall(r"^\| `(\w+)` \| .+ \| (.+) \|$", section, re.MULTILINE)
    assert {part: tuple(re.findall(r"`(.+?)`", actions)) for part, actions in rows} == ACTIONS
    assert f"`{FINDS_THE_LAKE}`" in section


@pytest.fixture(scope="module")
def stage(account: Account, deployed_lake: dict[str, str]) -> Iterator[dict[str, str]]:
    """The lake with its alarms, and an ingest function without an API.

    The bucket accepts plain HTTP, which is all that the emulator speaks.
    """
    template = ROOT / "cloudformation" / "alarms.yaml"
    bucket = deployed_lake["BucketName"]
    account.deploy(template, "clicklake-alarms-dev", f"BucketName={bucket}", "ShareAlarms=no")
    s3 = account.client("s3")
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="failed/processing-failed/dt=2026-11-24/a", Body=b"not a document\n")
    s3.put_object(Bucket=bucket, Key="keeper/dt=2026-11-24/reconcile.json", Body=b"{}")
    functions = account.client("lambda")
    functions.create_function(
        FunctionName="clicklake-dev",
        Runtime="python3.11",
        Role=deployed_lake["IngestRoleArn"],
        Handler="app.handler",
        Code={"ZipFile": zipped(ROOT / "tests" / "support" / "processor_under_test.py")},
    )
    yield deployed_lake
    functions.delete_function(FunctionName="clicklake-dev")
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)


@pytest.fixture(scope="module")
def read_as(account: Account, stage: dict[str, str]) -> ReadAs:
    """Read the status with the right to these actions alone."""

    def read(actions: list[str], bucket: str | None = None) -> Status:
        iam = account.client("iam")
        name = f"reader-{len(iam.list_users()['Users'])}"
        iam.create_user(UserName=name)
        allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        iam.put_user_policy(UserName=name, PolicyName="reads", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")

        def client(service: str, **options: Any) -> Any:
            make: Any = session.client
            return make(service, endpoint_url=account.endpoint, **options)

        return read_status(find_lake("dev", bucket, client, is_checked=False), datetime.now(UTC))

    return read


@pytest.mark.emulator
def test_with_the_listed_actions_every_part_is_shown(read_as: ReadAs) -> None:
    status = read_as([FINDS_THE_LAKE, *ALL])
    assert status.refusals == {}
    assert isinstance(status.aws.alarms, Alarms)
    assert status.aws.alarms.number >= 5
    assert isinstance(status.aws.versions, Versions)
    deployed = status.aws.versions.deployed
    assert deployed["processor"]
    assert deployed["processor"].version == status.aws.versions.checkout
    assert deployed["ingest"]
    assert deployed["ingest"].version is None
    assert deployed["dashboard"] is None
    assert [each.part for each in status.attention] == ["failures", "versions"]


@pytest.mark.emulator
@pytest.mark.parametrize("missing", ALL)
def test_without_an_action_its_parts_name_it_and_the_others_are_shown(read_as: ReadAs, missing: str) -> None:
    status = read_as([FINDS_THE_LAKE, *(action for action in ALL if action != missing)])
    concerned = {part for part, actions in ACTIONS.items() if missing in actions}
    assert status.refusals
    assert status.refusals.keys() <= concerned
    assert set(status.refusals.values()) == {missing}
    shown = {**vars(status.lake), **vars(status.aws)}.keys() - status.refusals.keys()
    assert shown >= ACTIONS.keys() - concerned


@pytest.mark.emulator
def test_a_stack_of_an_older_release_names_no_version(account: Account, stage: dict[str, str]) -> None:
    """0.1.0 had no output Version."""
    outputs = {name: value for name, value in stage.items() if name != "Version"}

    def client(service: str, **options: Any) -> Any:
        return account.client(service)

    lake = Lake(stage["BucketName"], outputs, account.client("s3"), client)
    status = read_status(lake, datetime.now(UTC))
    whats = [each.what for each in status.attention if each.part == "versions"]
    assert f"processor is older than 0.2.0, this checkout is {__version__}" in whats


@pytest.mark.emulator
def test_with_the_bucket_alone_no_stack_is_asked_for(read_as: ReadAs, stage: dict[str, str]) -> None:
    status = read_as(["s3:ListBucket", "s3:GetObject"], stage["BucketName"])
    assert status.refusals == {}
    assert status.stage is None
    assert vars(status.aws) == dict.fromkeys(["freshness", "alarms", "month", "versions"])


@pytest.mark.emulator
def test_a_raised_alarm_needs_attention_and_says_what_to_do(account: Account, read_as: ReadAs) -> None:
    cloudwatch = account.client("cloudwatch")
    (name,) = [
        alarm["AlarmName"]
        for alarm in cloudwatch.describe_alarms()["MetricAlarms"]
        if "ProcessorFails" in alarm["AlarmName"]
    ]
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    status = read_as([FINDS_THE_LAKE, *ALL])
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="a test")
    (raised,) = [each for each in status.attention if each.part == "alarms"]
    assert "ProcessorFails since" in raised.what
    assert "clicklake replay --stage dev" in raised.todo


@pytest.mark.emulator
def test_metrics_give_the_month_and_how_late_delivery_is(account: Account, read_as: ReadAs) -> None:
    cloudwatch, now = account.client("cloudwatch"), datetime.now(UTC)
    dimensions = {
        "Clicklake": ("Clicks", "FunctionName", "clicklake-processor-dev", 3000),
        "AWS/ApiGateway": ("Count", "ApiName", "clicklake-dev", 1000),
        "AWS/Firehose": ("DeliveryToS3.DataFreshness", "DeliveryStreamName", "clicklake-dev", 4000),
    }
    for namespace, (metric, dimension, value, number) in dimensions.items():
        datum = {
            "MetricName": metric,
            "Dimensions": [{"Name": dimension, "Value": value}],
            "Timestamp": now,
            "Value": number,
        }
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum])
    status = read_as([FINDS_THE_LAKE, *ALL])
    month, freshness = status.aws.month, status.aws.freshness
    assert month
    assert not isinstance(month, Refusal)
    assert (month.clicks, month.requests, month.source) == (3000, 1000, "CloudWatch")
    assert 0 < month.usd < 5
    assert freshness
    assert not isinstance(freshness, Refusal)
    assert freshness.seconds == 4000
    assert "freshness" in [each.part for each in status.attention]
