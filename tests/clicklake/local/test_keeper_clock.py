"""The keeper's short clock: its setting, its events, and the topic that it makes once."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from clicklake.deploy.aws import Aws
from clicklake.errors import CommandError
from clicklake.keeper.handler import JOBS
from clicklake.local.keeper_clock import VARIABLE, clock_seconds, events_of, keeper_clock, make_topic
from tests.support.emulator import KEYS, Emulator
from tests.support.landed import eventually


@pytest.mark.parametrize(("text", "seconds"), [(None, 120), ("0", 0), ("2.5", 2.5), ("86400", 86_400)])
def test_the_clock_runs_every_two_minutes_or_as_often_as_the_variable_says(
    monkeypatch: pytest.MonkeyPatch, text: str | None, seconds: float
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if text:
        monkeypatch.setenv(VARIABLE, text)
    assert clock_seconds() == seconds


@pytest.mark.parametrize("text", ["", "often", "-1", "nan", "inf", "86401"])
def test_another_value_is_refused_with_its_rule(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(CommandError, match=rf"{VARIABLE}='{text}': it must be a number of seconds from 0"):
        clock_seconds()


def test_every_job_but_replay_runs_about_today() -> None:
    events = events_of(datetime(2026, 11, 28, 23, 59, tzinfo=UTC))
    assert {event["job"] for event in events} == JOBS.keys() - {"replay"}
    assert {event["day"] for event in events if "day" in event} == {"2026-11-28"}


@pytest.mark.emulator
def test_the_topic_has_one_queue_however_often_the_cloud_starts(emulator: Emulator) -> None:
    keys = {name.upper(): value for name, value in KEYS.items() if name.startswith("aws_")}
    region = {"AWS_DEFAULT_REGION": KEYS["region_name"]}
    aws = Aws(keys | region | {"AWS_ENDPOINT_URL": emulator.gateway})
    first, second = (make_topic(aws) for _ in range(2))
    assert first == second
    sns = emulator.client("sns")
    assert len(sns.list_subscriptions_by_topic(TopicArn=first)["Subscriptions"]) == 1


class _Function:
    """Stands in for the deployed function, which whole_path/test_keeper_clock.py runs."""

    def __init__(self) -> None:
        self.jobs: list[str] = []

    def invoke(self, **request: Any) -> Any:
        job = json.loads(request["Payload"])["job"]
        self.jobs.append(job)
        if job == "key":
            raise ValueError("no answer")
        return {"Payload": _Body(json.dumps({"done": job}))}


class _Body:
    def __init__(self, text: str) -> None:
        self._text = text

    def read(self) -> bytes:
        return self._text.encode()


def test_each_answer_is_a_line_of_the_log_and_a_failure_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    function, aws = _Function(), Aws({})
    monkeypatch.setattr(Aws, "client", lambda self, service: function)
    log = tmp_path / "keeper.log"
    with keeper_clock(aws, "keeper", log, seconds=0.01):
        assert eventually(lambda: function.jobs.count("mail") >= 2)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    by_job = {line["event"]["job"]: line["result"] for line in lines}
    assert (by_job["compact"], by_job["key"]) == ({"done": "compact"}, {"error": "no answer"})


def test_a_clock_of_zero_seconds_never_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    function = _Function()
    monkeypatch.setattr(Aws, "client", lambda self, service: function)
    with keeper_clock(Aws({}), "keeper", tmp_path / "keeper.log", seconds=0):
        pass
    assert function.jobs == []
