"""The dashboard's role allows what AWS's documentation lists for what it does, and nothing else."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloudformation.resolved import ACCOUNT, REGION, names_of, resolve
from tests.cloudformation.templates import as_list, load, statements_of
from tests.support.paths import ROOT
from tests.support.policies import allows

BUCKET = "arn:aws:s3:::clicklake-lake-dev-databucket-1"
GROUP = f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/clicklake-dashboard-dev"
GLUE = f"arn:aws:glue:{REGION}:{ACCOUNT}"
TABLES = [f"{GLUE}:table/clicklake_dev/{name}" for name in ("lines", "columns")]
DATABASE = [f"{GLUE}:catalog", f"{GLUE}:database/clicklake_dev"]
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:clicklake-dashboard-dev"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/clicklake-dashboard-dev:*"
RESULTS = f"{BUCKET}/athena/dashboard/0.csv"

# What the dashboard does, the actions that the documentation lists for it, and on which resources.
DOCUMENTED: dict[str, tuple[list[str], list[str]]] = {
    # docs.aws.amazon.com/athena/latest/ug/example-policies-workgroup.html
    "start queries in its workgroup, and ask for their state and rows": (
        ["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:BatchGetQueryExecution"],
        [GROUP],
    ),
    "read the rows": (["athena:GetQueryResults"], [GROUP]),
    # docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html: the database, the
    # default database, and for each table that it queries the catalog and the database too
    "find the database": (["glue:GetDatabase"], [*DATABASE, f"{GLUE}:database/default"]),
    "query a partitioned table": (
        ["glue:GetTable", "glue:GetPartition", "glue:GetPartitions", "glue:BatchGetPartition"],
        [*DATABASE, *TABLES],
    ),
    # docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonAthenaFullAccess.html, without the actions
    # that make a bucket
    "write results into a folder of a bucket": (
        ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
        [BUCKET],
    ),
    "read and write the results": (
        ["s3:GetObject", "s3:PutObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"],
        [RESULTS],
    ),
    "read the data of the tables": (
        ["s3:GetObject"],
        [f"{BUCKET}/clicks/dt=2026-11-24/hr=02/a.gz", f"{BUCKET}/columns/dt=2026-11-24/hr=02/events.parquet"],
    ),
    # what the dashboard does beside Athena
    "count failed records": (["s3:GetObject"], [f"{BUCKET}/failed/processing-failed/dt=2026-11-24/a"]),
    "show the status": (["s3:GetObject"], [f"{BUCKET}/keeper/dt=2026-11-24/reconcile.json"]),
    "read the password": (["s3:GetObject"], [f"{BUCKET}/dashboard/password.json"]),
    "keep what instances share": (
        ["s3:GetObject", "s3:PutObject"],
        [
            f"{BUCKET}/dashboard/{name}"
            for name in ("attempts.json", "budget/dt=2026-11-24.json", "queries/a.json")
        ],
    ),
    "write its log": (["logs:CreateLogStream", "logs:PutLogEvents"], [LOGS]),
    "be invoked by Zappa's REST API, which uses the function's own role": (
        ["lambda:InvokeFunction"],
        [FUNCTION],
    ),
}
OTHER_KEYS = {
    "s3:PutObject": ("clicks/a", "columns/a", "raw/a", "failed/a", "athena/a", "dashboard/password.json"),
    "s3:GetObject": ("raw/a", "replayed/a", "parked/a", "athena/a"),
    "s3:DeleteObject": ("clicks/a", "dashboard/attempts.json", "athena/dashboard/a"),
}
FORBIDDEN = [
    *(
        ("athena:StartQueryExecution", f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/{name}")
        for name in ("primary", "clicklake-dev", "clicklake-dashboard-production")
    ),
    *((f"athena:{action}", GROUP) for action in ("StopQueryExecution", "UpdateWorkGroup")),
    *((f"glue:{action}", TABLES[0]) for action in ("UpdateTable", "DeleteTable", "CreateTable")),
    ("glue:GetTable", f"{GLUE}:table/clicklake_production/lines"),
    *((action, f"{BUCKET}/{key}") for action, keys in OTHER_KEYS.items() for key in keys),
    ("s3:GetObject", "arn:aws:s3:::somebody-elses/clicks/a"),
    ("firehose:PutRecord", f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/clicklake-dev"),
    ("dynamodb:GetItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/clicklake-visitor-key-dev"),
    ("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:clicklake-keeper-dev"),
    ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/any"),
]


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return load(ROOT / "cloudformation" / "dashboard.yaml")


@pytest.fixture(scope="module")
def statements(template: dict[str, Any]) -> list[dict[str, Any]]:
    role = template["Resources"]["Role"]["Properties"]
    names = {"BucketName": BUCKET.rpartition(":")[2], "Logs.Arn": LOGS, "Stage": "dev"}
    return list(statements_of(resolve(role["Policies"], names_of("clicklake-reader-dev") | names)))


def documented() -> Iterator[tuple[str, str]]:
    for actions, resources in DOCUMENTED.values():
        for action in actions:
            yield from ((action, resource) for resource in resources)


@pytest.mark.parametrize(("action", "resource"), [*documented()])
def test_the_role_allows_what_the_documentation_lists(
    statements: list[dict[str, Any]], action: str, resource: str
) -> None:
    assert allows(statements, action, resource)


def test_the_role_allows_no_other_action(statements: list[dict[str, Any]]) -> None:
    allowed = {
        action
        for statement in statements
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
    }
    assert allowed == {action for action, _ in documented()}
    assert not [action for action in allowed if "*" in action]


@pytest.mark.parametrize(("action", "resource"), FORBIDDEN)
def test_the_role_allows_nothing_on_other_resources(
    statements: list[dict[str, Any]], action: str, resource: str
) -> None:
    assert not allows(statements, action, resource)


def test_every_statement_is_needed(statements: list[dict[str, Any]]) -> None:
    """Without any of them, something that the documentation lists would be refused."""
    for statement in statements:
        if statement["Effect"] == "Allow":
            rest = [each for each in statements if each is not statement]
            assert not all(allows(rest, action, resource) for action, resource in documented()), statement


def test_a_stage_with_a_key_can_use_it(template: dict[str, Any]) -> None:
    names = {"BucketName": "b", "Logs.Arn": LOGS, "Stage": "dev", "HasKey": "", "KmsKeyArn": "the-key"}
    role = template["Resources"]["Role"]["Properties"]
    statements = [*statements_of(resolve(role["Policies"], names_of("clicklake-reader-dev") | names))]
    assert allows(statements, "kms:Decrypt", "the-key")
    assert allows(statements, "kms:GenerateDataKey", "the-key")


def test_the_boundary_lets_the_role_do_its_work(template: dict[str, Any]) -> None:
    assert template["Resources"]["Role"]["Properties"]["PermissionsBoundary"]["Fn::If"][0] == "HasBoundary"
    boundary = load(ROOT / "cloudformation" / "pipeline.yaml")["Resources"]["RoleBoundary"]
    bounds = list(statements_of(resolve(boundary, names_of("clicklake-pipeline"))))
    for action, resource in documented():
        assert allows(bounds, action, resource), (action, resource)


def test_queries_are_bounded_and_write_into_the_lakes_bucket(template: dict[str, Any]) -> None:
    configuration = template["Resources"]["WorkGroup"]["Properties"]["WorkGroupConfiguration"]
    assert configuration["EnforceWorkGroupConfiguration"] is True
    assert configuration["BytesScannedCutoffPerQuery"] == {"Ref": "DashboardScanLimitBytes"}
    results = configuration["ResultConfiguration"]
    assert results["OutputLocation"] == {
        "Fn::Sub": "s3://${BucketName}/athena/dashboard/"
    }  # which erase searches
    assert results["EncryptionConfiguration"] == {"EncryptionOption": "SSE_S3"}
    assert configuration["EngineVersion"]["SelectedEngineVersion"] == "Athena engine version 3"


def test_the_log_is_that_of_zappas_function(template: dict[str, Any]) -> None:
    log = template["Resources"]["Logs"]["Properties"]
    assert log["LogGroupName"] == {"Fn::Sub": "/aws/lambda/clicklake-dashboard-${Stage}"}
    assert log["RetentionInDays"] == {"Ref": "LogDays"}
