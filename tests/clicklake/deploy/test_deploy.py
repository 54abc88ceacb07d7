"""`make deploy` from nothing to the emulator, with the permissions of a build and no others."""

import re
import zipfile
from io import BytesIO
from typing import Any

import pytest
import requests

from clicklake.deploy.aws import Aws
from clicklake.deploy.ingest import SECRETS, forget_old_key
from clicklake.deploy.resources.api import BURST_REQUESTS, REQUESTS_PER_SECOND
from tests.cloudformation.resolved import ACCOUNT
from tests.cloudformation.templates import as_list
from tests.support.checkout import Stage
from tests.support.landed import EVANGELINE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_account_region_and_endpoint_are_shown_first(dev: Stage) -> None:
    shown = dev.printed.split("1. the lake")[0]
    for fact in ("dev", ACCOUNT, "us-east-1", dev.checkout.emulator.gateway, "an emulator"):
        assert fact in shown


def test_a_click_lands_with_its_items_attributes(dev: Stage) -> None:
    line = dev.line_of(dev.put({"userId": "guest", "mysfitId": EVANGELINE}))
    assert (line["species"], line["goodevil"], line["itemLookup"]) == ("Chimera", "Evil", "found")


def test_a_refusal_names_the_field_and_reaches_the_client_whole(dev: Stage) -> None:
    refused = dev.put({"userId": "guest"})
    assert refused.status_code == 400
    assert refused.headers["Content-Type"].startswith("application/problem+json")
    assert "mysfitId" in refused.json()["errors"][0]["field"]


def role_names(iam: Any) -> list[str]:
    return [role["RoleName"] for role in iam.list_roles()["Roles"]]


def test_the_ingest_role_may_put_on_its_stream_and_nothing_else(dev: Stage) -> None:
    iam = dev.client("iam")
    function = dev.client("lambda").get_function_configuration(FunctionName="clicklake-dev")
    role = function["Role"].rsplit("/", 1)[1]
    assert role.startswith("clicklake-lake-dev-IngestRole")
    assert not [name for name in role_names(iam) if name.endswith("ZappaLambdaExecutionRole")]
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    statements = [statement for document in documents for statement in document["Statement"]]
    allowed = {action for statement in statements for action in as_list(statement["Action"])}
    # lambda:InvokeFunction on itself: Zappa's REST API calls the function under the function's own role.
    assert allowed == {
        "firehose:PutRecord", "dynamodb:GetItem", "dynamodb:PutItem",
        "logs:CreateLogStream", "logs:PutLogEvents", "lambda:InvokeFunction",
    }  # fmt: skip
    assert not iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    resources = {resource for statement in statements for resource in as_list(statement["Resource"])}
    assert {resource.split(":", 5)[5] for resource in resources} == {
        "deliverystream/clicklake-dev", "table/clicklake-visitor-key-dev",
        "log-group:/aws/lambda/clicklake-dev:*", "function:clicklake-dev",
    }  # fmt: skip


def test_the_event_that_checks_the_deployment_is_not_counted(dev: Stage) -> None:
    lines = dev.checkout.emulator.get("/delivered")
    (checked,) = (line for line in lines if line["type"] == "deploy_check")
    assert checked["bot"]
    assert "mysfitId" not in checked


def test_the_pages_send_their_clicks_to_the_api(dev: Stage) -> None:
    config = requests.get(dev.site.replace("index.html", "config.js"), timeout=10)
    assert config.text == f'window.CLICKLAKE = {{"endpoint": "{dev.api}/clicks"}};\n'


@pytest.mark.parametrize(
    ("file", "content_type"),
    [
        ("index.html", "text/html"),
        ("site.js", "text/javascript"),
        ("style.css", "text/css"),
        ("pictures/coco.svg", "image/svg+xml"),
        ("mysfits.json", "application/json"),
        (f"mysfits/{EVANGELINE}", "application/json"),
        (".well-known/gpc.json", "application/json"),
    ],
)
def test_every_file_of_the_site_is_served_as_what_it_is(dev: Stage, file: str, content_type: str) -> None:
    served = requests.get(dev.site.replace("index.html", file), timeout=10)
    assert (served.status_code, served.headers["Content-Type"]) == (200, content_type)
    assert served.headers["Cache-Control"] == "public, max-age=300"


def test_the_function_has_no_key_but_the_name_of_its_table(dev: Stage) -> None:
    environment = dev.environment("clicklake-dev")
    assert environment["VISITOR_KEY_TABLE"] == "clicklake-visitor-key-dev"
    versions = dev.client("lambda").list_versions_by_function(FunctionName="clicklake-dev")["Versions"]
    for version in versions:
        assert "VISITOR_KEY" not in version.get("Environment", {}).get("Variables", {})
    (item,) = dev.client("dynamodb").scan(TableName="clicklake-visitor-key-dev")["Items"]
    assert item.keys() == {"name", "day", "key"}
    assert len(item["key"]["B"]) == 32


def test_key_of_an_earlier_release_is_forgotten_in_every_version(dev: Stage, aws: Aws) -> None:
    functions, before = dev.client("lambda"), dev.environment("clicklake-dev")
    variables = before | {"VISITOR_KEY": "from 0.1.0"}
    functions.update_function_configuration(
        FunctionName="clicklake-dev", Environment={"Variables": variables}
    )
    functions.publish_version(FunctionName="clicklake-dev")
    forget_old_key(aws, "dev")
    versions = functions.list_versions_by_function(FunctionName="clicklake-dev")["Versions"]
    assert not [each for each in versions if "VISITOR_KEY" in each["Environment"]["Variables"]]
    assert dev.environment("clicklake-dev") == before


def test_executions_are_reserved_for_the_function(dev: Stage) -> None:
    reserved = dev.client("lambda").get_function_concurrency(FunctionName="clicklake-dev")
    assert reserved["ReservedConcurrentExecutions"] == 200


def test_the_worst_hour_is_printed(dev: Stage) -> None:
    assert "an hour of the worst flood costs at most" in dev.printed


def test_the_function_and_cloudfront_have_the_secret(dev: Stage) -> None:
    environment = dev.environment("clicklake-dev")
    assert all(re.fullmatch("[0-9a-f]{64}", environment[secret]) for secret in SECRETS)
    (found,) = dev.client("cloudfront").list_distributions()["DistributionList"]["Items"]
    (api,) = (origin for origin in found["Origins"]["Items"] if origin["Id"] == "api")
    (header,) = api["CustomHeaders"]["Items"]
    assert header["HeaderValue"] == environment["EDGE_SECRET"]


def test_no_secret_is_printed_written_or_uploaded(dev: Stage) -> None:
    environment = dev.environment("clicklake-dev")
    secrets = [environment[secret].encode() for secret in SECRETS]
    places = {"what was printed": dev.printed.encode()}
    files = (file for file in dev.checkout.folder.rglob("*") if file.is_file() and "envs" not in file.parts)
    places |= {str(file): file.read_bytes() for file in files}
    s3, bucket = dev.client("s3"), f"clicklake-artifacts-{ACCOUNT}-us-east-1"
    for found in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        with zipfile.ZipFile(
            BytesIO(s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
        ) as bundle:
            places |= {f"{found['Key']}/{name}": bundle.read(name) for name in bundle.namelist()}
    assert len(places) > 500
    leaks = [place for place, body in places.items() if any(secret in body for secret in secrets)]
    assert leaks == []


def test_the_app_and_the_processor_use_the_same_item_field(dev: Stage) -> None:
    app, processor = dev.environment("clicklake-dev"), dev.environment("clicklake-processor-dev")
    assert app["ITEM_ID_FIELD"] == processor["ITEM_ID_FIELD"] == "mysfitId"


def test_the_gateway_has_the_throttle_of_the_code(dev: Stage) -> None:
    (api,) = dev.client("apigateway").get_rest_apis()["items"]
    settings = dev.client("apigateway").get_stage(restApiId=api["id"], stageName="dev")["methodSettings"]
    limits = settings["*/*"]
    assert limits["throttlingRateLimit"] == REQUESTS_PER_SECOND
    assert limits["throttlingBurstLimit"] == BURST_REQUESTS


def test_the_alarms_watch_the_bucket_of_the_lake(dev: Stage) -> None:
    parameters = dev.stack("clicklake-alarms-dev")["Parameters"]
    assert {"ParameterKey": "BucketName", "ParameterValue": dev.bucket} in parameters
