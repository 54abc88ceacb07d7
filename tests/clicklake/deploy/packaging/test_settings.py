"""zappa_settings.json and its policies: what is committed, and what must not be."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from clicklake.deploy.packaging.zappa_hooks import name_bucket
from tests.support.paths import ROOT

COMMITTED = json.loads((ROOT / "zappa_settings.json").read_text())
STAGES = ["dev", "production"]


def settings_of(stage: str) -> dict[str, Any]:
    """Resolve `extends` as Zappa does."""
    own: dict[str, Any] = COMMITTED[stage]
    return settings_of(own["extends"]) | own if "extends" in own else own


def statements_of(stage: str, policy: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads((ROOT / settings_of(stage)[policy]).read_text())["Statement"]
    return listed


def test_stages_are_those_that_the_readme_names() -> None:
    assert list(COMMITTED) == STAGES


@pytest.mark.parametrize("stage", STAGES)
def test_stage_is_quiet_and_costs_nothing_while_idle(stage: str) -> None:
    settings = settings_of(stage)
    assert (settings["debug"], settings["log_level"], settings["keep_warm"]) == (False, "WARNING", False)


@pytest.mark.parametrize("stage", STAGES)
def test_zappa_sends_problem_documents_as_text(stage: str) -> None:
    assert "application/problem+json" in settings_of(stage)["additional_text_mimetypes"]


@pytest.mark.parametrize("stage", STAGES)
def test_entry_point_is_ours_and_the_stream_is_that_of_the_stage(stage: str) -> None:
    settings = settings_of(stage)
    assert settings["lambda_handler"] == "ingest_app.lambda_entry.lambda_handler"
    assert settings["app_function"] == "ingest_app.wsgi.app"
    assert settings["project_name"] == "clicklake"
    assert settings["aws_environment_variables"] == {"CLICK_STREAM": f"clicklake-{stage}"}  # no secret


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    "setting", ["s3_bucket", "aws_region", "profile_name", "role_arn", "runtime", "slim_handler"]
)
def test_nothing_specific_to_an_account_or_machine_is_committed(stage: str, setting: str) -> None:
    assert setting not in settings_of(stage)


def test_dev_is_a_regional_rest_api_and_production_an_http_api() -> None:
    assert settings_of("dev").get("apigateway_version", "v1") == "v1"
    assert settings_of("dev")["endpoint_configuration"] == ["REGIONAL"]
    assert settings_of("production")["apigateway_version"] == "v2"


@pytest.mark.parametrize("stage", STAGES)
def test_role_may_put_on_its_stream_and_write_its_log(stage: str) -> None:
    log = f"arn:aws:logs:*:*:log-group:/aws/lambda/clicklake-{stage}:*"
    rights = {
        "firehose:PutRecord": f"arn:aws:firehose:*:*:deliverystream/clicklake-{stage}",
        "logs:CreateLogStream": log,
        "logs:PutLogEvents": log,
    }
    if stage == "dev":  # Zappa's REST API calls the function under the function's own role
        rights["lambda:InvokeFunction"] = f"arn:aws:lambda:*:*:function:clicklake-{stage}"
    allowed = {
        action: statement["Resource"]
        for statement in statements_of(stage, "attach_policy")
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert allowed == rights


@pytest.mark.parametrize(
    ("stage", "services"),
    [("dev", {"lambda.amazonaws.com", "apigateway.amazonaws.com"}), ("production", {"lambda.amazonaws.com"})],
)
def test_only_callers_of_the_function_may_assume_its_role(stage: str, services: set[str]) -> None:
    (statement,) = statements_of(stage, "assume_policy")
    assert set(statement["Principal"]["Service"]) == services


@pytest.mark.parametrize(
    ("command", "own_settings", "bucket"),
    [
        ("deploy", {}, "clicklake-artifacts-123456789012-eu-west-1"),
        ("update", {}, "clicklake-artifacts-123456789012-eu-west-1"),
        ("update", {"s3_bucket": "ours"}, "the choice of Zappa"),
        ("package", {}, "the choice of Zappa"),
    ],
)
def test_uploads_go_to_one_bucket_per_account_and_region(
    command: str, own_settings: dict[str, str], bucket: str
) -> None:
    identity = SimpleNamespace(get_caller_identity=lambda: {"Account": "123456789012"})
    session = SimpleNamespace(client=lambda service: identity, region_name="eu-west-1")
    zappa = SimpleNamespace(boto_session=session)
    cli = SimpleNamespace(
        command=command, stage_config=own_settings, s3_bucket_name="the choice of Zappa", zappa=zappa
    )
    name_bucket(cli)
    assert cli.s3_bucket_name == bucket
