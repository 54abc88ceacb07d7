"""Each role may do its work and nothing else, as the emulator's IAM decides.

Logs are left out: the emulator expects the ARN of a log group without the `:*` that AWS expects.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.cloudformation.account import Account
from tests.cloudformation.resolved import ACCOUNT, REGION, names_of, resolve
from tests.cloudformation.templates import as_list, load, statements_of
from tests.support.paths import ROOT
from tests.support.policies import allows

PIPELINES = (
    "DeployRole",
    "StartRole",
    "TestRole",
)  # the emulator cannot deploy their stack: it has no repositories
PROJECT = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/clicklake"
ROLES = f"arn:aws:iam::{ACCOUNT}:role"
COLUMN = "columns/dt=2026-11-24/hr=02/events.parquet"
ROLE_BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/clicklake-pipeline-RoleBoundary"

Client = Callable[[str], Any]
Call = Callable[[Client, dict[str, str]], Any]


class Rights:
    """Clients with the permissions of a role: each uses the keys of a user with the role's policy."""

    def __init__(self, account: Account, outputs: dict[str, str]) -> None:
        self._account, self._outputs = account, outputs

    def of(self, role: str) -> Client:
        iam = self._account.client("iam")
        iam.create_user(UserName=role)
        iam.put_user_policy(UserName=role, PolicyName="role", PolicyDocument=self._policy(role))
        key = iam.create_access_key(UserName=role)["AccessKey"]
        session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
        client: Any = session.client
        return lambda service: client(service, endpoint_url=self._account.endpoint)

    def _policy(self, role: str) -> str:
        if role in PIPELINES:
            return json.dumps({"Version": "2012-10-17", "Statement": statements_of_the_pipeline(role)})
        stack = {"StackName": "clicklake-lake-dev", "LogicalResourceId": role}
        resource = self._account.client("cloudformation").describe_stack_resource(**stack)
        name = resource["StackResourceDetail"]["PhysicalResourceId"]
        iam = self._account.client("iam")
        (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
        return json.dumps(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])


def statements_of_the_pipeline(role: str) -> list[dict[str, Any]]:
    """Return those of the role and, for DeployRole, of its boundary, which is also attached as a policy."""
    resources = load(ROOT / "cloudformation" / "pipeline.yaml")["Resources"]
    arns = {
        "RepositoryName": "clicklake",
        "BuildLogs.Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/codebuild/clicklake:*",
        "TestProject.Arn": f"{PROJECT}-test",
        "DeployProject.Arn": f"{PROJECT}-deploy",
        "Boundary": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
        "RoleBoundary": ROLE_BOUNDARY,
    }
    parts = [resources[role]["Properties"]["Policies"]]
    parts += [resources["Boundary"]] if role == "DeployRole" else []
    return list(statements_of(resolve(parts, names_of("clicklake-pipeline") | arns)))


@pytest.fixture(scope="module")
def acting(account: Account, deployed_lake: dict[str, str]) -> Callable[[str], Client]:
    clients: dict[str, Client] = {}
    rights = Rights(account, deployed_lake)
    account.client("s3").create_bucket(Bucket="somebody-elses")
    destination = {"BucketARN": "arn:aws:s3:::somebody-elses", "RoleARN": f"arn:aws:iam::{ACCOUNT}:role/any"}
    account.client("firehose").create_delivery_stream(
        DeliveryStreamName="clicklake-production", ExtendedS3DestinationConfiguration=destination
    )
    account.client("codebuild").create_project(
        name="clicklake-test",
        source={"type": "NO_SOURCE", "buildspec": "version: 0.2"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "none", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=f"arn:aws:iam::{ACCOUNT}:role/any",
    )

    def act(role: str) -> Client:
        if role not in clients:
            clients[role] = rights.of(role)
        return clients[role]

    return act


@pytest.fixture
def plain_http(account: Account, deployed_lake: dict[str, str]) -> Iterator[None]:
    """Let the bucket accept plain HTTP, which is all that the emulator speaks."""
    s3, bucket = account.client("s3"), deployed_lake["BucketName"]
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    yield
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)


def put_record(stream: str | None = None) -> Call:
    return lambda client, lake: client("firehose").put_record(
        DeliveryStreamName=stream or lake["StreamName"], Record={"Data": b"{}\n"}
    )


def put_batch(client: Client, lake: dict[str, str]) -> Any:
    return client("firehose").put_record_batch(
        DeliveryStreamName=lake["StreamName"], Records=[{"Data": b"{}"}]
    )


def put_object(bucket: str | None = None, key: str = "raw/a", **conditions: str) -> Call:
    return lambda client, lake: client("s3").put_object(
        Bucket=bucket or lake["BucketName"], Key=key, Body=b"x", **conditions
    )


def get_object(key: str) -> Call:
    """Ask for an object; a missing one is not found only by those who may list the folder."""

    def ask(client: Client, lake: dict[str, str]) -> Any:
        with suppress(client("s3").exceptions.NoSuchKey):
            return client("s3").get_object(Bucket=lake["BucketName"], Key=key)

    return ask


def list_objects(prefix: str) -> Call:
    return lambda client, lake: client("s3").list_objects_v2(Bucket=lake["BucketName"], Prefix=prefix)


def replace_column(client: Client, lake: dict[str, str]) -> Any:
    """As a compaction does that finds an erasure in its way."""
    s3, where = client("s3"), {"Bucket": lake["BucketName"], "Key": COLUMN}
    put = s3.put_object(**where, Body=b"x")
    put = s3.put_object(**where, Body=b"y", IfMatch=put["ETag"])
    return s3.delete_object(**where, VersionId=put["VersionId"])


def delete_column(client: Client, lake: dict[str, str]) -> Any:
    return client("s3").delete_object(Bucket=lake["BucketName"], Key=COLUMN)


def read_lifecycle(client: Client, lake: dict[str, str]) -> Any:
    try:
        return client("s3").get_bucket_lifecycle_configuration(Bucket=lake["BucketName"])
    except ClientError as error:  # the emulator forgets the rules at an update of the stack
        if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
            raise


def send_failure(client: Client, lake: dict[str, str]) -> Any:
    return client("sqs").send_message(QueueUrl=lake["KeeperFailuresUrl"], MessageBody="{}")


def receive_failure(client: Client, lake: dict[str, str]) -> Any:
    return client("sqs").receive_message(QueueUrl=lake["KeeperFailuresUrl"])


def invoke_keeper(client: Client, lake: dict[str, str]) -> Any:
    return client("lambda").invoke(FunctionName=lake["KeeperFunctionName"], Payload=b"{}")


def delete_object(client: Client, lake: dict[str, str]) -> Any:
    return client("s3").delete_object(Bucket=lake["BucketName"], Key="raw/a")


def invoke(client: Client, lake: dict[str, str]) -> Any:
    return client("lambda").invoke(FunctionName=lake["ProcessorFunctionName"], Payload=b'{"records":[]}')


def change_processor(client: Client, lake: dict[str, str]) -> Any:
    return client("lambda").update_function_configuration(
        FunctionName=lake["ProcessorFunctionName"], MemorySize=1024
    )


def start_build(project: str) -> Call:
    return lambda client, lake: client("codebuild").start_build(projectName=project)


def describe_stack(stack: str) -> Call:
    return lambda client, lake: client("cloudformation").describe_stacks(StackName=stack)


def delete_stack(stack: str) -> Call:
    return lambda client, lake: client("cloudformation").delete_stack(StackName=stack)


def make_user(client: Client, lake: dict[str, str]) -> Any:
    return client("iam").create_user(UserName="another")


def invoke_somebody_elses(client: Client, lake: dict[str, str]) -> Any:
    return client("lambda").invoke(FunctionName="somebody-elses")


def list_roles(client: Client, lake: dict[str, str]) -> Any:
    return client("iam").list_roles()


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("role", "call"),
    [
        ("IngestRole", put_record()),
        ("StreamRole", put_object()),
        ("StreamRole", invoke),
        *(("KeeperRole", get_object(key)) for key in ("clicks/a", COLUMN)),
        *(("KeeperRole", list_objects(f"{folder}/")) for folder in ("clicks", "columns")),
        ("KeeperRole", put_object(key=COLUMN)),
        ("KeeperRole", replace_column),
        ("KeeperRole", read_lifecycle),
        ("KeeperRole", invoke_keeper),
        ("KeeperRole", send_failure),
        ("ScheduleRole", invoke_keeper),
        ("ScheduleRole", send_failure),
        ("DeployRole", describe_stack("clicklake-lake-dev")),
        ("DeployRole", put_object()),
        ("StartRole", start_build("clicklake-test")),
    ],
)
def test_a_role_may_do_its_work(
    acting: Callable[[str], Client], deployed_lake: dict[str, str], plain_http: None, role: str, call: Call
) -> None:
    call(acting(role), deployed_lake)


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("role", "call"),
    [
        ("IngestRole", put_batch),
        ("IngestRole", put_record("clicklake-production")),
        ("IngestRole", put_object()),
        ("IngestRole", list_roles),
        ("StreamRole", put_object("somebody-elses")),
        ("StreamRole", delete_object),
        ("StreamRole", change_processor),
        ("StreamRole", put_record()),
        ("ProcessorRole", put_object()),
        ("ProcessorRole", put_record()),
        ("ProcessorRole", invoke),
        *(("KeeperRole", put_object(key=key)) for key in ("clicks/a", "raw/a", "failed/a", "athena/a")),
        *(("KeeperRole", get_object(key)) for key in ("raw/a", "failed/a", "athena/a")),
        ("KeeperRole", delete_object),
        ("KeeperRole", delete_column),
        ("KeeperRole", put_record()),
        ("KeeperRole", invoke),
        ("KeeperRole", receive_failure),
        ("ScheduleRole", invoke),
        ("ScheduleRole", put_object(key=COLUMN)),
        ("StartRole", start_build("another")),
        ("StartRole", put_record()),
        ("DeployRole", put_object("somebody-elses")),
        ("DeployRole", invoke_somebody_elses),
        ("DeployRole", make_user),
        ("TestRole", put_record()),
        ("TestRole", put_object()),
        ("TestRole", describe_stack("clicklake-lake-dev")),
        ("DeployRole", delete_stack("somebody-elses")),
        ("DeployRole", start_build("another")),
    ],
)
def test_a_role_may_do_nothing_else(
    acting: Callable[[str], Client], deployed_lake: dict[str, str], plain_http: None, role: str, call: Call
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        call(acting(role), deployed_lake)


@pytest.mark.emulator
def test_the_bucket_refuses_requests_without_tls(
    acting: Callable[[str], Client], deployed_lake: dict[str, str]
) -> None:
    with pytest.raises(ClientError, match="explicit deny"):
        put_object()(acting("StreamRole"), deployed_lake)


# The emulator never fills iam:PermissionsBoundary: its refusals would prove nothing, so a table decides here.


@pytest.mark.parametrize("action", ["CreateRole", "PutRolePolicy", "PutRolePermissionsBoundary"])
def test_a_deployment_makes_only_roles_that_the_boundary_bounds(action: str) -> None:
    deploying = statements_of_the_pipeline("DeployRole")
    role, action = f"{ROLES}/clicklake-lake-dev-IngestRole-1", f"iam:{action}"
    assert allows(deploying, action, role, {"iam:PermissionsBoundary": ROLE_BOUNDARY})
    assert not allows(deploying, action, role)
    other = f"arn:aws:iam::{ACCOUNT}:policy/AdministratorAccess"
    assert not allows(deploying, action, role, {"iam:PermissionsBoundary": other})
    own = f"{ROLES}/clicklake-pipeline-DeployRole-1"
    assert not allows(deploying, action, own, {"iam:PermissionsBoundary": ROLE_BOUNDARY})


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:DeleteRolePermissionsBoundary", f"{ROLES}/clicklake-lake-dev-IngestRole-1"),
        ("iam:AttachRolePolicy", f"{ROLES}/clicklake-lake-dev-IngestRole-1"),
        ("iam:CreatePolicyVersion", ROLE_BOUNDARY),
        ("iam:SetDefaultPolicyVersion", ROLE_BOUNDARY),
        ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/another"),
        ("iam:PassRole", f"{ROLES}/clicklake-pipeline-DeployRole-1"),
        ("iam:UpdateAssumeRolePolicy", f"{ROLES}/clicklake-pipeline-DeployRole-1"),
        ("sts:AssumeRole", f"{ROLES}/any"),
        ("codebuild:StartBuild", f"{PROJECT}-deploy"),
    ],
)
def test_no_deployment_gets_out_of_its_bounds(action: str, resource: str) -> None:
    context = {"iam:PermissionsBoundary": ROLE_BOUNDARY, "iam:PassedToService": "lambda.amazonaws.com"}
    assert not allows(statements_of_the_pipeline("DeployRole"), action, resource, context)


@pytest.mark.parametrize("action", ["iam:CreateRole", "cloudformation:CreateStack", "s3:GetObject"])
def test_the_tests_run_without_permissions(action: str) -> None:
    context = {"iam:PermissionsBoundary": ROLE_BOUNDARY}
    for resource in (f"{ROLES}/clicklake-x", "arn:aws:s3:::clicklake-lake-dev/clicks/a", "*"):
        assert not allows(statements_of_the_pipeline("TestRole"), action, resource, context)


def test_the_boundary_lets_every_role_of_a_stage_do_its_work() -> None:
    boundary = load(ROOT / "cloudformation" / "pipeline.yaml")["Resources"]["RoleBoundary"]
    bounds = list(statements_of(resolve(boundary, names_of("clicklake-pipeline"))))
    lake = load(ROOT / "cloudformation" / "lake.yaml")["Resources"]
    physical = {
        "DataBucket.Arn": "arn:aws:s3:::clicklake-lake-dev-databucket-1",
        "Processor.Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:clicklake-processor-dev",
        "VisitorKey.Arn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/clicklake-visitor-key-dev",
        "Stream.Arn": f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/clicklake-dev",
        "Keeper.Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:clicklake-keeper-dev",
        "KeeperFailures.Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:clicklake-lake-dev-KeeperFailures-1",
        "Stage": "dev",
    }
    for name, group in {
        "ProcessorLogs": "lambda/clicklake-processor-dev",
        "KeeperLogs": "lambda/clicklake-keeper-dev",
        "IngestLogs": "lambda/clicklake-dev",
        "StreamLogs": "kinesisfirehose/clicklake-dev",
    }.items():
        physical[f"{name}.Arn"] = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/{group}:*"
    roles = [resource for resource in lake.values() if resource["Type"] == "AWS::IAM::Role"]
    assert len(roles) == 5
    for role in roles:
        assert role["Properties"]["PermissionsBoundary"]["Fn::If"][0] == "HasBoundary"
        policies = resolve(role["Properties"]["Policies"], names_of("clicklake-lake-dev") | physical)
        for statement in statements_of(policies):
            for action in as_list(statement["Action"]):
                for resource in as_list(statement["Resource"]):
                    assert allows(bounds, action, resource), (action, resource)
