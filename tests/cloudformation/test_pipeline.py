"""The pipeline's stack: each push to main is tested, then deployed, with bounded permissions."""

import json
from typing import Any

import pytest
import yaml

from tests.cloudformation.templates import as_list, load, resources_of, statements_of
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def pipeline() -> dict[str, Any]:
    return load(ROOT / "cloudformation" / "pipeline.yaml")


def commands_of(project: dict[str, Any]) -> list[str]:
    commands: list[str] = yaml.safe_load(project["Source"]["BuildSpec"])["phases"]["build"]["commands"]
    return commands


def test_tests_and_deployment_have_a_project_and_a_role_each(pipeline: dict[str, Any]) -> None:
    projects = resources_of(pipeline, "AWS::CodeBuild::Project")
    assert commands_of(projects["TestProject"]) == ["make test"]
    (deploy,) = commands_of(projects["DeployProject"])
    assert deploy.startswith("make deploy ")
    assert "PermissionsBoundary=$BOUNDARY" in deploy
    roles = {name: project["ServiceRole"] for name, project in projects.items()}
    assert roles == {
        "TestProject": {"Fn::GetAtt": ["TestRole", "Arn"]},
        "DeployProject": {"Fn::GetAtt": ["DeployRole", "Arn"]},
    }
    assert {project["ConcurrentBuildLimit"] for project in projects.values()} == {1}


def test_a_push_to_main_is_tested_and_the_same_commit_is_deployed(pipeline: dict[str, Any]) -> None:
    rules = resources_of(pipeline, "AWS::Events::Rule")
    (resource,) = rules["Push"]["EventPattern"]["resources"]
    assert resource["Fn::Sub"].endswith(":codecommit:${AWS::Region}:${AWS::AccountId}:${RepositoryName}")
    assert rules["Push"]["EventPattern"]["detail"]["referenceName"] == ["main"]
    passed = rules["Passed"]["EventPattern"]["detail"]
    assert passed == {"build-status": ["SUCCEEDED"], "project-name": [{"Ref": "TestProject"}]}
    for name, project, path in (
        ("Push", "TestProject", "$.detail.commitId"),
        ("Passed", "DeployProject", "$.detail.additional-information.source-version"),
    ):
        (target,) = rules[name]["Targets"]
        assert target["Arn"] == {"Fn::GetAtt": [project, "Arn"]}
        assert target["InputTransformer"]["InputPathsMap"] == {"commit": path}
        assert target["InputTransformer"]["InputTemplate"] == '{"sourceVersion": <commit>}'


def test_an_existing_repository_is_left_alone(pipeline: dict[str, Any]) -> None:
    repository = pipeline["Resources"]["Repository"]
    condition = pipeline["Conditions"][repository["Condition"]]
    assert condition == {"Fn::Equals": [{"Ref": "MakeRepository"}, "yes"]}
    assert '["Repository",' not in json.dumps(pipeline)  # nothing in the stack depends on it
    assert '{"Ref": "Repository"}' not in json.dumps(pipeline)


def actions_of(statements: list[dict[str, Any]], effect: str) -> set[str]:
    matching = [statement for statement in statements if statement["Effect"] == effect]
    return {action for statement in matching for action in as_list(statement["Action"])}


def test_a_build_cannot_change_its_own_boundary(pipeline: dict[str, Any]) -> None:
    role = pipeline["Resources"]["DeployRole"]["Properties"]
    assert role["PermissionsBoundary"] == {"Ref": "Boundary"}
    boundary = list(statements_of(pipeline["Resources"]["Boundary"]))
    allowed = actions_of(boundary, "Allow")
    moves = {"iam:DeleteRolePermissionsBoundary", "iam:AttachRolePolicy", "iam:CreateUser"}
    assert not allowed & {*moves, "iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:*", "*"}
    denied = actions_of(boundary, "Deny")
    own = {"iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:PassRole"}
    assert own | {"cloudformation:CreateChangeSet"} < denied


def test_a_build_may_pass_roles_only_to_the_services_of_clicklake(pipeline: dict[str, Any]) -> None:
    statements = statements_of(pipeline)
    (passing,) = [each for each in statements if each["Action"] == "iam:PassRole"]
    services = passing["Condition"]["StringEquals"]["iam:PassedToService"]
    ours = ("lambda", "firehose", "apigateway", "scheduler")
    assert set(services) == {f"{service}.amazonaws.com" for service in ours}
