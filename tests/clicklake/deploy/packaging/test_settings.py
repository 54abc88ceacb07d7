"""zappa_settings.json: what is committed, and what must not be."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from click import ClickException

from clicklake.deploy.packaging.zappa_hooks import complete_settings
from tests.support.paths import ROOT

COMMITTED = json.loads((ROOT / "zappa_settings.json").read_text())
STAGES = ["dev", "production"]
DASHBOARDS = ["dashboard_dev", "dashboard_production"]
ROLE = "arn:aws:iam::123456789012:role/clicklake-lake-dev-IngestRole-1"


def cli_of(
    command: str, own_settings: dict[str, str], outputs: list[dict[str, str]], stage: str = "dev"
) -> SimpleNamespace:
    """Return Zappa's object as the callback gets it."""
    identity = SimpleNamespace(
        get_caller_identity=lambda: {"Account": "123456789012"},
        describe_stacks=lambda StackName: {"Stacks": [{"Outputs": outputs}]},  # noqa: N803 (boto3's name)
    )
    session = SimpleNamespace(client=lambda service: identity, region_name="eu-west-1")
    zappa = SimpleNamespace(boto_session=session, credentials_arn=own_settings.get("role_arn"))
    return SimpleNamespace(
        command=command,
        stage_config=own_settings,
        s3_bucket_name="the choice of Zappa",
        zappa=zappa,
        api_stage=stage,
        aws_environment_variables=COMMITTED[stage]["aws_environment_variables"],
    )


def settings_of(stage: str) -> dict[str, Any]:
    """Resolve `extends` as Zappa does."""
    own: dict[str, Any] = COMMITTED[stage]
    return settings_of(own["extends"]) | own if "extends" in own else own


def test_stages_are_those_that_the_readme_names() -> None:
    assert list(COMMITTED) == [*STAGES, *DASHBOARDS]


@pytest.mark.parametrize("stage", [*STAGES, *DASHBOARDS])
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
    assert settings["aws_environment_variables"] == {  # no secret
        "CLICK_STREAM": f"clicklake-{stage}",
        "VISITOR_KEY_TABLE": f"clicklake-visitor-key-{stage}",
    }


@pytest.mark.parametrize("stage", [*STAGES, *DASHBOARDS])
@pytest.mark.parametrize(
    "setting", ["s3_bucket", "aws_region", "profile_name", "role_arn", "runtime", "slim_handler"]
)
def test_nothing_specific_to_an_account_or_machine_is_committed(stage: str, setting: str) -> None:
    assert setting not in settings_of(stage)


def test_dev_is_a_regional_rest_api_and_production_an_http_api() -> None:
    assert settings_of("dev").get("apigateway_version", "v1") == "v1"
    assert settings_of("dev")["endpoint_configuration"] == ["REGIONAL"]
    assert settings_of("production")["apigateway_version"] == "v2"


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
    cli = cli_of(command, own_settings, [{"OutputKey": "IngestRoleArn", "OutputValue": ROLE}])
    complete_settings(cli)
    assert cli.s3_bucket_name == bucket


@pytest.mark.parametrize(
    ("command", "own_settings", "role"),
    [
        ("deploy", {}, ROLE),
        ("update", {}, ROLE),
        ("update", {"role_arn": "ours"}, "ours"),
        ("undeploy", {}, None),
    ],
)
def test_the_function_gets_the_role_of_the_lakes_stack(
    command: str, own_settings: dict[str, str], role: str | None
) -> None:
    cli = cli_of(command, own_settings, [{"OutputKey": "IngestRoleArn", "OutputValue": ROLE}])
    complete_settings(cli)
    assert cli.zappa.credentials_arn == role
    assert settings_of("dev")["manage_roles"] is False  # or Zappa would make a role without a boundary


def test_without_the_lakes_role_nothing_is_deployed() -> None:
    with pytest.raises(ClickException, match="deploy the lake first") as refused:
        complete_settings(cli_of("deploy", {}, []))
    assert "clicklake-lake-dev" in refused.value.message


# --- the dashboard ---


@pytest.mark.parametrize("stage", DASHBOARDS)
def test_the_dashboard_is_a_stage_of_its_own_with_its_own_entry_point(stage: str) -> None:
    settings = settings_of(stage)
    assert settings["lambda_handler"] == "clicklake.dashboard.deployed.lambda_entry.lambda_handler"
    assert settings["app_function"] == "clicklake.dashboard.deployed.wsgi.app"
    assert settings["timeout_seconds"] <= 29  # as long as a REST API waits
    assert settings["aws_environment_variables"] == {"LAKE_STAGE": stage.removeprefix("dashboard_")}
    model = settings_of(stage.removeprefix("dashboard_"))
    assert settings.get("apigateway_version") == model.get("apigateway_version")


OUTPUTS = {
    "BucketName": "the-lake",
    "GlueDatabaseName": "clicklake_dev",
    "GlueTableName": "lines",
    "ColumnsTableName": "columns",
    "AthenaWorkGroupName": "clicklake-dev",
    "RoleArn": "arn:aws:iam::123456789012:role/clicklake-reader-dev-Role-1",
    "WorkGroupName": "clicklake-dashboard-dev",
}


@pytest.mark.parametrize("command", ["deploy", "update"])
def test_the_dashboard_gets_its_role_its_lake_and_its_work_group(command: str) -> None:
    outputs = [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()]
    cli = cli_of(command, {}, outputs, "dashboard_dev")
    complete_settings(cli)
    assert cli.zappa.credentials_arn == OUTPUTS["RoleArn"]
    assert cli.aws_environment_variables == {
        "LAKE_STAGE": "dev",
        "BUCKET_NAME": "the-lake",
        "GLUE_DATABASE": "clicklake_dev",
        "GLUE_TABLE": "lines",
        "COLUMNS_TABLE": "columns",
        "ATHENA_WORK_GROUP": "clicklake-dashboard-dev",
    }


def test_without_its_role_no_dashboard_is_deployed() -> None:
    with pytest.raises(ClickException, match=r"deploy cloudformation/dashboard\.yaml first") as refused:
        complete_settings(cli_of("deploy", {}, [], "dashboard_dev"))
    assert "clicklake-reader-dev" in refused.value.message
