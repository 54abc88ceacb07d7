"""The keeper in this process: its environment, a clock, a topic with a queue, and calls of itself."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from clicklake.keeper import handler
from clicklake.keeper.invocation import Event, Invocation, KeeperError, SelfCallError
from clicklake.lake.bucket import Lake
from tests.support.emulator import Emulator
from tests.support.lakes import TestLake


@dataclass
class Context:
    function_name: str = "clicklake-keeper-dev"
    seconds: float = 900
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@pytest.fixture
def keeper(lake: TestLake, aws_env: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Lake:
    """The environment that lake.yaml gives the function, for this test's lake."""
    for name, value in aws_env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BUCKET_NAME", lake.bucket)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Lake(lake.bucket, {}, lake.s3)


@dataclass
class Mailbox:
    """A queue that is subscribed to the topic: the emulator only logs mails."""

    topic: str
    queue: str
    sqs: Any

    def read(self) -> list[dict[str, str]]:
        """Return the messages since the last call, as SNS wrapped them."""
        found: list[dict[str, str]] = []
        while messages := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                found.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found


@pytest.fixture
def mailbox(emulator: Emulator, keeper: Lake, monkeypatch: pytest.MonkeyPatch) -> Mailbox:
    sns, sqs = emulator.client("sns"), emulator.client("sqs")
    name = f"alarms-{uuid4()}"
    topic, queue = sns.create_topic(Name=name)["TopicArn"], sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    monkeypatch.setenv("ALARM_TOPIC", topic)
    return Mailbox(topic, queue, sqs)


@pytest.fixture
def visitor_key_table(emulator: Emulator, keeper: Lake, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"visitor-key-{uuid4()}"
    emulator.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
    )
    monkeypatch.setenv("VISITOR_KEY_TABLE", name)
    return name


@dataclass
class SelfCalls:
    """The function's calls of itself, answered in this process at the clock's time."""

    now: datetime
    waited_for: list[Event] = field(default_factory=list)
    started: list[Event] = field(default_factory=list)

    def run(self, event: Event, context: Context | None = None) -> Any:
        return handler.run(event, context or Context(), self.now)


@pytest.fixture
def clock(keeper: Lake, monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], SelfCalls]:
    """Return the keeper at a time: its `run` is the function, which calls itself in this process."""

    def at(now: datetime) -> SelfCalls:
        calls = SelfCalls(now)

        def call(invocation: Invocation, event: Event, seconds: float) -> None:
            calls.waited_for.append(event)
            try:
                calls.run(json.loads(json.dumps(event)))
            except KeeperError as error:
                raise SelfCallError(str(error)) from error

        def start(invocation: Invocation, event: Event) -> None:
            calls.started.append(event)
            calls.run(json.loads(json.dumps(event)))

        monkeypatch.setattr(Invocation, "call_itself", call)
        monkeypatch.setattr(Invocation, "start_itself", start)
        return calls

    return at


def metrics_in(output: str) -> list[dict[str, Any]]:
    """Extract the embedded metrics from a log, as CloudWatch does: the emulator does not."""
    found = []
    for line in output.splitlines():
        if line.startswith("{") and "_aws" in (document := json.loads(line)):
            (directive,) = document["_aws"]["CloudWatchMetrics"]
            assert (directive["Namespace"], directive["Dimensions"]) == ("Clicklake", [["FunctionName"]])
            assert document["FunctionName"] == "clicklake-keeper-dev"
            found.append({metric["Name"]: document[metric["Name"]] for metric in directive["Metrics"]})
    return found
