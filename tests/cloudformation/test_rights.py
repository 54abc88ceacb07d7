"""Each role may do its work and nothing else, as the emulator's IAM decides.

Logs are left out: the emulator expects the ARN of a log group without the `:*` that AWS expects.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.cloudformation.account import Account
from tests.cloudformation.resolved import ACCOUNT, REGION, names_of, resolve
from tests.cloudformation.templates import load, statements_of
from tests.support.paths import ROOT

pytestmark = pytest.mark.emulator

PIPELINES = ("BuildRole", "PushRole")  # the emulator cannot deploy their stack: it has no repositories
PROJECT = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/clicklake"

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
        if role.startswith("ingest"):
            return (ROOT / "cloudformation" / f"{role.replace('-', '-policy-')}.json").read_text()
        if role in PIPELINES:
            return _of_the_pipeline(role)
        stack = {"StackName": "clicklake-lake-dev", "LogicalResourceId": role}
        resource = self._account.client("cloudformation").describe_stack_resource(**stack)
        name = resource["StackResourceDetail"]["PhysicalResourceId"]
        iam = self._account.client("iam")
        (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
        return json.dumps(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])


def _of_the_pipeline(role: str) -> str:
    """Return the role's own policies and, for BuildRole, its boundary, which is also attached as a policy."""
    resources = load(ROOT / "cloudformation" / "pipeline.yaml")["Resources"]
    arns = {
        "RepositoryName": "clicklake",
        "BuildLogs.Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/codebuild/clicklake:*",
        "Project.Arn": PROJECT,
        "Boundary": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
    }
    parts = [resources[role]["Properties"]["Policies"]]
    parts += [resources["Boundary"]] if role == "BuildRole" else []
    statements = list(statements_of(resolve(parts, names_of("clicklake-pipeline") | arns)))
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


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
        name="clicklake",
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


def put_object(bucket: str | None = None) -> Call:
    return lambda client, lake: client("s3").put_object(
        Bucket=bucket or lake["BucketName"], Key="raw/a", Body=b"x"
    )


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


def put_policy_on(role: str) -> Call:
    document = json.dumps({"Version": "2012-10-17", "Statement": []})
    return lambda client, lake: client("iam").put_role_policy(
        RoleName=role, PolicyName="more", PolicyDocument=document
    )


def make_user(client: Client, lake: dict[str, str]) -> Any:
    return client("iam").create_user(UserName="another")


def invoke_somebody_elses(client: Client, lake: dict[str, str]) -> Any:
    return client("lambda").invoke(FunctionName="somebody-elses")


def list_roles(client: Client, lake: dict[str, str]) -> Any:
    return client("iam").list_roles()


@pytest.mark.parametrize(
    ("role", "call"),
    [
        ("ingest-dev", put_record()),
        ("ingest-production", put_record("clicklake-production")),
        ("StreamRole", put_object()),
        ("StreamRole", invoke),
        ("BuildRole", describe_stack("clicklake-lake-dev")),
        ("BuildRole", put_object()),
        ("PushRole", start_build("clicklake")),
    ],
)
def test_a_role_may_do_its_work(
    acting: Callable[[str], Client], deployed_lake: dict[str, str], plain_http: None, role: str, call: Call
) -> None:
    call(acting(role), deployed_lake)


@pytest.mark.parametrize(
    ("role", "call"),
    [
        ("ingest-dev", put_batch),
        ("ingest-dev", put_record("clicklake-production")),
        ("ingest-dev", put_object()),
        ("ingest-dev", list_roles),
        ("ingest-production", put_record()),
        ("StreamRole", put_object("somebody-elses")),
        ("StreamRole", delete_object),
        ("StreamRole", change_processor),
        ("StreamRole", put_record()),
        ("ProcessorRole", put_object()),
        ("ProcessorRole", put_record()),
        ("ProcessorRole", invoke),
        ("PushRole", start_build("another")),
        ("PushRole", put_record()),
        ("BuildRole", put_object("somebody-elses")),
        ("BuildRole", invoke_somebody_elses),
        ("BuildRole", make_user),
        ("BuildRole", put_policy_on("somebody-elses")),
        ("BuildRole", put_policy_on("clicklake-pipeline-BuildRole-1")),
        ("BuildRole", delete_stack("somebody-elses")),
        ("BuildRole", start_build("another")),
    ],
)
def test_a_role_may_do_nothing_else(
    acting: Callable[[str], Client], deployed_lake: dict[str, str], plain_http: None, role: str, call: Call
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        call(acting(role), deployed_lake)


def test_the_bucket_refuses_requests_without_tls(
    acting: Callable[[str], Client], deployed_lake: dict[str, str]
) -> None:
    with pytest.raises(ClientError, match="explicit deny"):
        put_object()(acting("StreamRole"), deployed_lake)
