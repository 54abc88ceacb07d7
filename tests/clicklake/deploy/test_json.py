"""`deploy`, `deploy --plan` and `undeploy` with --json: a document on stdout, the rest on stderr."""

import json
import logging
from typing import Any

import pytest
from click.testing import CliRunner

from clicklake.cli.group import main
from clicklake.deploy import command
from clicklake.deploy.aws import Aws
from clicklake.deploy.plan import CodeChange, DeploymentPlan, lines_of
from clicklake.deploy.settings import StageSettings
from clicklake.deploy.steps import DeployedStage
from clicklake.deploy.target import Target

TARGET = Target(Aws({}), "123456789012", "eu-west-1", "https://cloudformation.eu-west-1.amazonaws.com")
STAGE = DeployedStage("https://site", "https://api", "lake", 71.5, 212.34)
PLAN = DeploymentPlan(
    stacks={"clicklake-lake-dev": ["RawDays: '90' becomes '8'"], "clicklake-site-dev": ["no change"]},
    functions={
        "clicklake-processor-dev": CodeChange("0a", 7, False, ["a.py"], ["b.py"], ["c.py"]),
        "clicklake-dev": CodeChange("0b", 9, True, [], [], []),
        "clicklake-other": CodeChange("0c", 1, False, [], [], []),
    },
    settings={"GPC_MODE": {"before": None, "after": "ignore"}, "A": {"before": "1", "after": "2"}},
)


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that would ask AWS is answered; what is under test is what the command prints."""

    def deploy_stage(*_: Any, with_dashboard: bool) -> DeployedStage:
        logging.getLogger("clicklake.deploy").info("1. the lake")
        return STAGE._replace(dashboard="https://dashboard/") if with_dashboard else STAGE

    answers = {
        "find_target": TARGET,
        "parse_settings": StageSettings({}, {}),
        "check_prerequisites": None,
        "model_of": "dev",
        "check_settings": None,
        "make_plan": PLAN,
        "environment_python": None,
        "kept_buckets": {"every click": "lake"},
        "undeploy_stage": None,
    }
    for name, answer in answers.items():
        monkeypatch.setattr(command, name, lambda *_, answer=answer, **__: answer)
    monkeypatch.setattr(command, "deploy_stage", deploy_stage)


def run(*words: str) -> tuple[str, str]:
    result = CliRunner().invoke(main, [*words, "--stage", "dev"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def test_deploy_prints_where_the_stage_is_and_keeps_its_steps_apart() -> None:
    out, beside = run("deploy", "--yes", "--json")
    assert json.loads(out) == {
        "stage": "dev",
        "account": "123456789012",
        "region": "eu-west-1",
        "site": "https://site",
        "api": "https://api",
        "bucket": "lake",
        "dashboard": None,
        "landedSeconds": 71.5,
        "worstHourUsd": 212.34,
    }
    assert "1. the lake" in beside
    assert "eu-west-1" in beside


def test_deploy_prints_the_dashboards_address_if_there_is_one() -> None:
    out, _ = run("deploy", "--yes", "--json", "--dashboard")
    assert json.loads(out)["dashboard"] == "https://dashboard/"


def test_plan_prints_what_would_change() -> None:
    out, _ = run("deploy", "--plan", "--json")
    document = json.loads(out)
    assert document["stacks"] == PLAN.stacks
    assert document["settings"] == PLAN.settings
    assert document["functions"]["clicklake-processor-dev"] == {
        "package": "0a",
        "files": 7,
        "isNew": False,
        "changed": ["a.py"],
        "added": ["b.py"],
        "removed": ["c.py"],
    }


def test_a_plan_in_words_says_the_same() -> None:
    assert "\n".join(lines_of(PLAN)).splitlines() == [
        "",
        "clicklake-lake-dev",
        "   RawDays: '90' becomes '8'",
        "",
        "clicklake-site-dev",
        "   no change",
        "",
        "clicklake-processor-dev",
        "   package 0a, 7 files",
        "   changed a.py",
        "   added b.py",
        "   removed c.py",
        "",
        "clicklake-dev",
        "   package 0b, 9 files",
        "   new",
        "",
        "clicklake-other",
        "   package 0c, 1 files",
        "   no change",
        "   GPC_MODE: not set becomes 'ignore'",
        "   A: '1' becomes '2'",
    ]


def test_undeploy_prints_the_buckets_that_stay() -> None:
    out, beside = run("undeploy", "--yes", "--json")
    assert json.loads(out) == {"stage": "dev", "kept": {"every click": "lake"}}
    assert "These buckets stay" in beside
