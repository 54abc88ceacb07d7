"""The keeper on a short clock: on a laptop nobody waits until tomorrow morning to see its results.

Every two minutes the deployed function runs each of its jobs about today. Its messages go to a topic, as on
AWS, and from there to a queue, because the emulator sends no mail. log/keeper.log has what each job returned.
"""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from clicklake.deploy.aws import Aws
from clicklake.errors import CommandError

NAME = "clicklake-alarms-dev"  # of the topic and of its queue
FIRST_SECONDS = 20  # the first clicks can have landed by then
DEFAULT_SECONDS = 120
VARIABLE = "CLICKLAKE_KEEPER_SECONDS"


def make_topic(aws: Aws) -> str:
    """Make the topic and its queue, if they are not there, and return the topic's ARN."""
    sns, sqs = aws.client("sns"), aws.client("sqs")
    topic: str = sns.create_topic(Name=NAME)["TopicArn"]
    url = sqs.create_queue(QueueName=NAME)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue}
    policy = {"Version": "2012-10-17", "Statement": [allow]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    subscribed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    if queue not in [found["Endpoint"] for found in subscribed]:
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    return topic


def clock_seconds() -> float:
    """Return how often the keeper runs; 0 is never. Raises CommandError."""
    text = os.environ.get(VARIABLE, str(DEFAULT_SECONDS))
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 86_400:
        raise CommandError(f"{VARIABLE}={text!r}: it must be a number of seconds from 0 (never) to 86400")
    return seconds


@contextmanager
def keeper_clock(aws: Aws, function: str, log: Path, seconds: float) -> Iterator[None]:
    """Run the keeper's jobs every so many seconds, until the end of the block."""
    stop = threading.Event()
    clock = threading.Thread(target=_run, args=(aws, function, log, seconds, stop), daemon=True)
    if seconds:
        clock.start()
    try:
        yield
    finally:
        stop.set()


def _run(aws: Aws, function: str, log: Path, seconds: float, stop: threading.Event) -> None:
    client = aws.client("lambda")
    wait = min(FIRST_SECONDS, seconds)
    while not stop.wait(wait):
        for event in events_of(datetime.now(UTC)):
            if not stop.is_set():
                _write(log, event, _invoke(client, function, event))
        wait = seconds


def events_of(now: datetime) -> list[dict[str, str]]:
    day = str(now.date())
    return [
        {"job": "compact"},
        {"job": "reconcile", "day": day},
        {"job": "key"},
        {"job": "mail", "day": day},
    ]


def _invoke(client: Any, function: str, event: dict[str, str]) -> Any:
    try:
        response = client.invoke(FunctionName=function, Payload=json.dumps(event))
        return json.loads(response["Payload"].read())
    except (BotoCoreError, ClientError, ValueError) as error:  # the cloud may be ending
        return {"error": str(error)}


def _write(log: Path, event: dict[str, str], result: Any) -> None:
    line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "event": event, "result": result}
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
