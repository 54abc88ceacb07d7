"""The API in front of the ingest app: its id, and its throttle, for which Zappa has no setting."""

from collections.abc import Callable
from typing import Any, Protocol

from botocore.exceptions import ClientError

from clicklake.deploy import names
from clicklake.deploy.aws import Aws, DeployError

# 1,000 requests a second is what Firehose accepts from a default account in any region (PutRecord; twice as
# much in the three largest), and a tenth of what API Gateway allows the whole account: the account's other
# APIs keep working while somebody floods this one. Trackers send their clicks again after a 429.
# docs/architecture.md has the arithmetic.
REQUESTS_PER_SECOND = 1_000
BURST_REQUESTS = 2_000


class Clients(Protocol):
    """Whatever makes boto3's clients: `Aws`, or a lake."""

    @property
    def client(self) -> Callable[..., Any]: ...


def http_api(aws: Clients, stage: str) -> str:
    """Return the id of the stage's HTTP API, or "" if the stage has a REST API."""
    return _resource_of_zappas_stack(aws, stage, "ApiV2")


def rest_api(aws: Clients, stage: str) -> str:
    """Return the id of the stage's REST API, or "" if the stage has an HTTP API."""
    return _resource_of_zappas_stack(aws, stage, "Api")


def throttle_api(
    aws: Aws,
    stage: str,
    api_stage: str | None = None,
    *,
    rate: int = REQUESTS_PER_SECOND,
    burst: int = BURST_REQUESTS,
) -> str:
    """Set the throttle of the stage's API, whichever kind it is. Return the API's id.

    `api_stage` is Zappa's name of the stage, where it is another. The rate is requests per second.
    """
    if api_id := http_api(aws, stage):
        limits = f"ThrottlingRateLimit={rate},ThrottlingBurstLimit={burst}"
        which = ("--api-id", api_id, "--stage-name", api_stage or stage)
        aws.cli("apigatewayv2", "update-stage", *which, "--default-route-settings", limits)
    elif api_id := rest_api(aws, stage):
        rates = {"rateLimit": rate, "burstLimit": burst}
        patches = [f"op=replace,path=/*/*/throttling/{name},value={value}" for name, value in rates.items()]
        which = ("--rest-api-id", api_id, "--stage-name", api_stage or stage)
        aws.cli("apigateway", "update-stage", *which, "--patch-operations", *patches)
    else:
        raise DeployError(
            f"the function {names.zappa(stage)} has no API, because an earlier deployment was interrupted."
            f" Remove the function, then deploy again: zappa undeploy {api_stage or stage}"
        )
    return api_id


def _resource_of_zappas_stack(aws: Clients, stage: str, logical_id: str) -> str:
    try:
        found = aws.client("cloudformation").describe_stack_resource(
            StackName=names.zappa(stage), LogicalResourceId=logical_id
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # no such stack, or no such resource in it
            return ""
        raise
    physical_id: str = found["StackResourceDetail"]["PhysicalResourceId"]
    return physical_id
