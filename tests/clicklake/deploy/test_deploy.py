"""`make deploy` from nothing, to the emulator, with the rights of a build and no others."""

import re
import zipfile
from io import BytesIO

import pytest
import requests

from clicklake.deploy.function import SECRETS
from clicklake.deploy.throttle import BURST_REQUESTS, REQUESTS_PER_SECOND
from tests.cloudformation.resolved import ACCOUNT
from tests.support.checkout import Stage
from tests.support.landed import EVANGELINE

pytestmark = pytest.mark.timeout(300)


def test_it_says_first_what_it_is_about_to_touch(dev: Stage) -> None:
    told = dev.printed.split("1. the lake")[0]
    for fact in ("dev", ACCOUNT, "us-east-1", dev.checkout.emulator.gateway, "an emulator"):
        assert fact in told


def test_a_click_lands_with_what_the_sites_catalogue_says_of_its_item(dev: Stage) -> None:
    line = dev.line_of(dev.put({"userId": "guest", "mysfitId": EVANGELINE}))
    assert (line["species"], line["goodevil"], line["itemLookup"]) == ("Chimera", "Evil", "found")


def test_the_click_that_checks_the_deploy_counts_as_none(dev: Stage) -> None:
    (checked,) = (each for each in dev.checkout.emulator.get("/delivered") if each["type"] == "deploy_check")
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
    assert "VISITOR_KEY" not in environment
    versions = dev.client("lambda").list_versions_by_function(FunctionName="clicklake-dev")["Versions"]
    for version in versions:
        assert "VISITOR_KEY" not in version.get("Environment", {}).get("Variables", {})
    table = dev.client("dynamodb").scan(TableName="clicklake-visitor-key-dev")
    (item,) = table["Items"]
    assert item.keys() == {"name", "day", "key"}
    assert len(item["key"]["B"]) == 32


def test_executions_are_reserved_for_the_function(dev: Stage) -> None:
    reserved = dev.client("lambda").get_function_concurrency(FunctionName="clicklake-dev")
    assert reserved["ReservedConcurrentExecutions"] == 200


def test_the_worst_hour_is_printed(dev: Stage) -> None:
    assert "an hour of the worst flood costs at most" in dev.printed


def test_the_secret_is_on_the_function_and_with_cloudfront(dev: Stage) -> None:
    environment = dev.environment("clicklake-dev")
    assert all(re.fullmatch("[0-9a-f]{64}", environment[secret]) for secret in SECRETS)
    (found,) = dev.client("cloudfront").list_distributions()["DistributionList"]["Items"]
    (api,) = (each for each in found["Origins"]["Items"] if each["Id"] == "api")
    (header,) = api["CustomHeaders"]["Items"]
    assert header["HeaderValue"] == environment["EDGE_SECRET"]


def test_no_secret_is_printed_or_in_a_file_or_in_what_was_uploaded(dev: Stage) -> None:
    environment = dev.environment("clicklake-dev")
    secrets = [environment[secret].encode() for secret in SECRETS]
    places = {"what was printed": dev.printed.encode()}
    own = (each for each in dev.checkout.folder.rglob("*") if each.is_file() and "envs" not in each.parts)
    places |= {str(file): file.read_bytes() for file in own}
    s3, bucket = dev.client("s3"), f"clicklake-artifacts-{ACCOUNT}-us-east-1"
    for found in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        with zipfile.ZipFile(
            BytesIO(s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
        ) as bundle:
            places |= {f"{found['Key']}/{name}": bundle.read(name) for name in bundle.namelist()}
    assert len(places) > 500
    assert [where for where, held in places.items() if any(secret in held for secret in secrets)] == []


def test_the_app_and_the_processor_agree_on_the_items_field(dev: Stage) -> None:
    app, processor = dev.environment("clicklake-dev"), dev.environment("clicklake-processor-dev")
    assert app["ITEM_ID_FIELD"] == processor["ITEM_ID_FIELD"] == "mysfitId"


def test_the_gateway_lets_through_what_the_one_place_says(dev: Stage) -> None:
    (api,) = dev.client("apigateway").get_rest_apis()["items"]
    settings = dev.client("apigateway").get_stage(restApiId=api["id"], stageName="dev")["methodSettings"]
    limits = settings["*/*"]
    assert limits["throttlingRateLimit"] == REQUESTS_PER_SECOND
    assert limits["throttlingBurstLimit"] == BURST_REQUESTS


def test_the_alarms_watch_the_lakes_bucket(dev: Stage) -> None:
    parameters = dev.stack("clicklake-alarms-dev")["Parameters"]
    assert {"ParameterKey": "BucketName", "ParameterValue": dev.bucket} in parameters
