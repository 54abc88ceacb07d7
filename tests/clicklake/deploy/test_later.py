"""After the first `make deploy`: no change, new code, other settings, Zappa alone, and the end.

The tests change one stage, in this order.
"""

from typing import Any

import pytest
import requests

from clicklake.deploy.ingest import SECRETS
from tests.cloudformation.resolved import ACCOUNT
from tests.support.checkout import Checkout, Stage
from tests.support.emulator import Emulator
from tests.support.landed import EVANGELINE

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

STREAM = "clicklake-dev"
STACKS = ("clicklake-lake-dev", "clicklake-site-dev", "clicklake-alarms-dev")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, emulator: Emulator) -> Stage:
    """A stage deployed by the root user."""
    copied = Checkout.copy(tmp_path_factory.mktemp("later") / "checkout", emulator)
    return Stage(copied, copied.make("deploy", "STAGE=dev", "YES=1"))


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Any:
    running = Emulator(tmp_path_factory.mktemp("emulator")).start()
    yield running
    running.stop()


def again(stage: Stage, *words: str) -> Stage:
    return Stage(stage.checkout, stage.checkout.make("deploy", "STAGE=dev", "YES=1", *words))


def state_of(stage: Stage) -> dict[str, Any]:
    """Return everything that a deployment without changes must leave alone."""
    s3, functions = stage.client("s3"), stage.client("lambda")
    artifacts = s3.list_objects_v2(Bucket=f"clicklake-artifacts-{ACCOUNT}-us-east-1")["Contents"]
    names = ("clicklake-dev", "clicklake-processor-dev")
    return {
        "stacks": {name: _without_dates(stage.stack(name)) for name in STACKS},
        "stream": stage.client("firehose").describe_delivery_stream(DeliveryStreamName=STREAM)[
            "DeliveryStreamDescription"
        ],
        "code": [functions.get_function(FunctionName=name)["Configuration"]["CodeSha256"] for name in names],
        "environments": [stage.environment(name) for name in names],
        "artifacts": sorted(artifact["Key"] for artifact in artifacts),
        "buckets": sorted(bucket["Name"] for bucket in s3.list_buckets()["Buckets"]),
        "addresses": (stage.site, stage.api, stage.bucket),
    }


def _without_dates(stack: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in stack.items() if name in ("StackId", "Parameters", "Outputs")}


def stream_of(stage: Stage) -> dict[str, Any]:
    described = stage.client("firehose").describe_delivery_stream(DeliveryStreamName=STREAM)
    description: dict[str, Any] = described["DeliveryStreamDescription"]
    return description


def test_a_second_deploy_changes_nothing(first: Stage) -> None:
    before = state_of(first)
    second = again(first)
    assert state_of(second) == before
    assert "published 0 changed files" in second.printed


def test_deploying_again_deploys_what_changed(first: Stage) -> None:
    before = state_of(first)
    first.checkout.replace("ingest_app/openapi.json", '"title": "', '"title": "Changed ')
    first.checkout.replace("processor/parsing/bots.py", 'NO_AGENT = "no-agent"', 'NO_AGENT = "nobody"')
    first.checkout.replace("web/index.html", "<title>", "<title>Changed ")
    changed = again(first)
    assert (
        requests.get(f"{changed.api}/openapi.json", timeout=30).json()["info"]["title"].startswith("Changed")
    )
    assert "<title>Changed " in requests.get(changed.site, timeout=30).text
    answer = changed.put({"mysfitId": EVANGELINE}, User_Agent="")
    assert changed.line_of(answer)["bot"] == "nobody"
    after = state_of(changed)
    assert after["environments"] == before["environments"]
    assert (after["stream"], after["addresses"]) == (before["stream"], before["addresses"])


def test_a_plan_says_what_would_change_and_changes_nothing(first: Stage) -> None:
    def plan(*words: str) -> str:
        return first.checkout.make("deploy", "PLAN=1", *words)

    before = state_of(first)
    unchanged = plan("STAGE=dev")
    assert unchanged.count("no change") == 6, unchanged
    first.checkout.replace("processor/parsing/bots.py", 'NO_AGENT = "nobody"', 'NO_AGENT = "no-one"')
    changed = plan("STAGE=dev", "SET=RawDays=8 GPC_MODE=ignore LogDays=7")
    first.checkout.replace("processor/parsing/bots.py", 'NO_AGENT = "no-one"', 'NO_AGENT = "nobody"')
    for line in (
        "RawDays: '90' becomes '8'",
        "modify DataBucket (AWS::S3::Bucket)",
        "modify IngestLogs (AWS::Logs::LogGroup)",
        "changed processor/parsing/bots.py",
        "GPC_MODE: not set becomes 'ignore'",
    ):
        assert f"   {line}\n" in changed, changed
    new = plan("STAGE=alice", "LIKE=production")
    assert new.count("\n   new") == 6
    assert state_of(first) == before


def test_settings_are_kept_until_they_are_changed(first: Stage) -> None:
    overrides = "SET=ItemIdField=productId CatalogueUrl=none GPC_MODE=refuse RawDays=7"
    again(first, overrides)
    changed = again(first)
    environment = changed.environment("clicklake-dev")
    assert (environment["ITEM_ID_FIELD"], environment["GPC_MODE"]) == ("productId", "refuse")
    assert changed.environment("clicklake-processor-dev")["CATALOGUE_URL"] == ""
    parameters = changed.stack("clicklake-lake-dev")["Parameters"]
    assert {"ParameterKey": "RawDays", "ParameterValue": "7"} in parameters
    assert changed.put({"productId": "p1"}, Sec_GPC="1").status_code == 403
    assert changed.line_of(changed.put({"productId": "p1"}))["itemLookup"] == "none"


def test_undeploying_and_deploying_with_zappa_alone_keeps_the_stream(first: Stage) -> None:
    before = stream_of(first), first.stack("clicklake-lake-dev")
    first.checkout.zappa("undeploy", "dev", "--yes")
    first.checkout.zappa("deploy", "dev")
    assert "clicklake-dev" in first.checkout.zappa("status", "dev")
    assert (stream_of(first), first.stack("clicklake-lake-dev")) == before


def test_deploying_after_zappa_creates_new_secrets_and_a_click_lands(first: Stage) -> None:
    assert not set(SECRETS) & first.environment("clicklake-dev").keys()
    repaired = again(first)
    assert set(SECRETS) < repaired.environment("clicklake-dev").keys()
    assert repaired.line_of(repaired.put({"productId": "p1"}))["productId"] == "p1"


def test_deploying_a_broken_processor_fails_with_the_reason_and_restores_the_settings(first: Stage) -> None:
    def settings() -> tuple[Any, ...]:
        return first.environment("clicklake-dev"), first.stack("clicklake-lake-dev")["Parameters"]

    before = settings()
    first.checkout.replace("processor/handler.py", "def lambda_handler(", "def lambda_handler_(")
    done = first.checkout.run("make", "deploy", "STAGE=dev", "YES=1", "SET=GPC_MODE=strip RawDays=9")
    first.checkout.replace("processor/handler.py", "def lambda_handler_(", "def lambda_handler(")
    assert done.returncode != 0
    assert "the processor does not work" in done.stderr
    assert "the settings are as they were before" in done.stderr
    assert settings() == before


def test_undeploy_leaves_only_the_buckets_and_names_them(first: Stage) -> None:
    buckets = first.client("s3").list_buckets()["Buckets"]
    collected = first.client("s3").list_objects_v2(Bucket=first.bucket)["KeyCount"]
    printed = first.checkout.make("undeploy", "STAGE=dev", "YES=1")
    for bucket in buckets:
        assert f"s3://{bucket['Name']}" in printed
    assert first.client("s3").list_buckets()["Buckets"] == buckets
    assert first.client("s3").list_objects_v2(Bucket=first.bucket)["KeyCount"] >= collected > 0
    assert first.client("iam").list_roles()["Roles"] == []
    assert first.client("lambda").list_functions()["Functions"] == []
    assert first.client("firehose").list_delivery_streams()["DeliveryStreamNames"] == []
    assert first.client("logs").describe_log_groups()["logGroups"] == []
    assert first.client("apigateway").get_rest_apis()["items"] == []
    assert first.client("cloudformation").describe_stacks()["Stacks"] == []


def test_undeploying_twice_is_not_an_error(first: Stage) -> None:
    assert "removed" in first.checkout.make("undeploy", "STAGE=dev", "YES=1")


def test_a_click_lands_through_a_new_stage_that_is_like_production(first: Stage) -> None:
    words = ("deploy", "STAGE=alice", "LIKE=production", "YES=1")
    production = Stage(first.checkout, first.checkout.make(*words))
    line = production.line_of(production.put({"mysfitId": EVANGELINE}))
    assert (line["species"], line["itemLookup"]) == ("Chimera", "found")
    (api,) = production.client("apigatewayv2").get_apis()["Items"]
    (stage,) = production.client("apigatewayv2").get_stages(ApiId=api["ApiId"])["Items"]
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
    watched = production.stack("clicklake-alarms-alice")["Parameters"]
    assert {"ParameterKey": "HttpApiId", "ParameterValue": api["ApiId"]} in watched
