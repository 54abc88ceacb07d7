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


def test_a_build_deploys_only_what_passed_its_tests(pipeline: dict[str, Any]) -> None:
    (project,) = resources_of(pipeline, "AWS::CodeBuild::Project").values()
    commands = yaml.safe_load(project["Source"]["BuildSpec"])["phases"]["build"]["commands"]
    assert [command.split()[:2] for command in commands] == [["make", "test"], ["make", "deploy"]]
    assert project["ConcurrentBuildLimit"] == 1


def test_a_push_to_main_starts_a_build_and_nothing_else_does(pipeline: dict[str, Any]) -> None:
    (rule,) = resources_of(pipeline, "AWS::Events::Rule").values()
    (resource,) = rule["EventPattern"]["resources"]
    assert resource["Fn::Sub"].endswith(":codecommit:${AWS::Region}:${AWS::AccountId}:${RepositoryName}")
    assert rule["EventPattern"]["detail"]["referenceName"] == ["main"]
    (target,) = rule["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": ["Project", "Arn"]}
    role = pipeline["Resources"][target["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
    (statement,) = statements_of(role["Policies"])
    assert (statement["Action"], statement["Resource"]) == ("codebuild:StartBuild", target["Arn"])


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
    role = pipeline["Resources"]["BuildRole"]["Properties"]
    assert role["PermissionsBoundary"] == {"Ref": "Boundary"}
    boundary = list(statements_of(pipeline["Resources"]["Boundary"]))
    allowed = actions_of(boundary, "Allow")
    moves = {"iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary", "iam:AttachRolePolicy"}
    assert not allowed & {*moves, "iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:*", "*"}
    denied = actions_of(boundary, "Deny")
    assert {"iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "cloudformation:CreateChangeSet"} < denied


def test_a_build_may_pass_roles_only_to_the_services_of_clicklake(pipeline: dict[str, Any]) -> None:
    statements = statements_of(pipeline)
    (passing,) = [statement for statement in statements if statement["Action"] == "iam:PassRole"]
    services = passing["Condition"]["StringEquals"]["iam:PassedToService"]
    assert set(services) == {"lambda.amazonaws.com", "firehose.amazonaws.com", "apigateway.amazonaws.com"}
