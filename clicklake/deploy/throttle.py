"""How much a stage's API lets through. Zappa has no setting for it."""

from clicklake.deploy.aws_cli import aws

# 1,000 a second is what Firehose takes of a default account in any region (PutRecord, twice as much in the
# largest three), and a tenth of what API Gateway gives the whole account: others' APIs live on while somebody
# floods this one. Trackers send their clicks again after a 429. docs/architecture.md has the arithmetic.
REQUESTS_PER_SECOND = 1_000
BURST_REQUESTS = 2_000


def throttle_rest_api(api_id: str, stage: str) -> None:
    limits = {"rateLimit": REQUESTS_PER_SECOND, "burstLimit": BURST_REQUESTS}
    patches = [f"op=replace,path=/*/*/throttling/{name},value={value}" for name, value in limits.items()]
    which = ("--rest-api-id", api_id, "--stage-name", stage)
    aws("apigateway", "update-stage", *which, "--patch-operations", *patches)


def throttle_http_api(api_id: str, stage: str) -> None:
    limits = f"ThrottlingRateLimit={REQUESTS_PER_SECOND},ThrottlingBurstLimit={BURST_REQUESTS}"
    which = ("--api-id", api_id, "--stage-name", stage)
    aws("apigatewayv2", "update-stage", *which, "--default-route-settings", limits)
