"""Deploy the stacks to the emulator: once, again, and with other parameters."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cloudformation.account import Account
from tests.support.paths import ROOT

pytestmark = pytest.mark.emulator

LAKE = "clicklake-lake-dev"


def columns_of(account: Account, outputs: dict[str, str]) -> list[str]:
    names = {"DatabaseName": outputs["GlueDatabaseName"], "Name": outputs["GlueTableName"]}
    table = account.client("glue").get_table(**names)["Table"]
    return [column["Name"] for column in table["StorageDescriptor"]["Columns"]]


def test_the_lake_has_every_output(lake: dict[str, Any], deployed_lake: dict[str, str]) -> None:
    assert deployed_lake.keys() == lake["Outputs"].keys()
    assert all(deployed_lake.values())


def test_a_second_deploy_changes_nothing(
    account: Account, packaged_lake: Path, deployed_lake: dict[str, str]
) -> None:
    assert "No changes to deploy" in account.deploy(packaged_lake, LAKE)


def test_a_changed_parameter_is_an_update(
    account: Account, packaged_lake: Path, deployed_lake: dict[str, str]
) -> None:
    account.deploy(packaged_lake, LAKE, "CatalogueAttributes=brand,price", "LogDays=7")
    assert columns_of(account, deployed_lake)[-5:] == ["brand", "price", "unused1", "unused2", "unused3"]
    groups = account.client("logs").describe_log_groups()["logGroups"]
    assert {group["retentionInDays"] for group in groups} == {7}
    assert account.outputs(LAKE) == deployed_lake


@pytest.fixture
def alarm_queue(account: Account, deployed_lake: dict[str, str]) -> tuple[Any, str]:
    """A queue that receives the stage's alarms."""
    template = ROOT / "cloudformation" / "alarms.yaml"
    # The emulator has no metric math.
    account.deploy(
        template, "clicklake-alarms-dev", f"BucketName={deployed_lake['BucketName']}", "ShareAlarms=no"
    )
    topic = account.outputs("clicklake-alarms-dev")["AlarmTopicArn"]
    sqs = account.client("sqs")
    queue: str = sqs.create_queue(QueueName="alarms")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:000000000000:alarms"
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    account.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return sqs, queue


def test_a_failed_object_is_announced_with_the_command_that_replays_it(
    account: Account, deployed_lake: dict[str, str], alarm_queue: tuple[Any, str]
) -> None:
    s3 = account.client("s3")
    for key in ("clicks/dt=2026-11-24/hr=02/a.gz", "failed/processing-failed/dt=2026-11-24/b.gz"):
        s3.put_object(Bucket=deployed_lake["BucketName"], Key=key, Body=b"x")
    sqs, queue = alarm_queue
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10, MaxNumberOfMessages=10)["Messages"]
    text = json.loads(message["Body"])["Message"]
    assert "failed/processing-failed/dt=2026-11-24/b.gz" in text
    assert "clicklake replay --stage dev" in text
