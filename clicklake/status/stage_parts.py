"""What AWS says of a stage beside its bucket: metrics, alarms, functions."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from clicklake import __version__
from clicklake.cost.estimate import read_stages
from clicklake.cost.month import usd_of
from clicklake.deploy import names
from clicklake.deploy.resources.api import http_api, rest_api
from clicklake.deploy.target import address_of_api
from clicklake.lake.bucket import Lake
from clicklake.lake.loopback import open_url
from clicklake.lake.partitions import HOUR, Span
from clicklake.reconcile import cloudwatch
from clicklake.status.lake_parts import KEEPER, read_month_results
from clicklake.status.parts import (
    Alarms,
    DeployedVersion,
    Freshness,
    MonthSoFar,
    RaisedAlarm,
    Refusal,
    StageStatus,
    Versions,
)
from clicklake.status.rights import if_allowed

FRESHNESS_WINDOW = timedelta(minutes=15)
FRESHNESS_PERIOD_SECONDS = 300
HEALTH_SECONDS = 10
MAX_HEALTH_BYTES = 10_000
FIRST_VERSION_WITH_OUTPUT = "0.2.0"


def read_stage_status(lake: Lake, stage: str, now: datetime) -> StageStatus:
    return StageStatus(
        freshness=if_allowed(lambda: read_freshness(lake, now)),
        alarms=if_allowed(lambda: read_alarms(lake, stage)),
        month=if_allowed(lambda: read_month(lake, stage, now)),
        versions=if_allowed(lambda: read_versions(lake, stage)),
    )


def read_freshness(lake: Lake, now: datetime) -> Freshness | None:
    """Return the stream's DataFreshness of the last quarter of an hour; None if nothing was delivered."""
    metric = {
        "Namespace": "AWS/Firehose",
        "MetricName": "DeliveryToS3.DataFreshness",
        "Dimensions": [{"Name": "DeliveryStreamName", "Value": lake.outputs["StreamName"]}],
    }
    asked = {"Metric": metric, "Period": FRESHNESS_PERIOD_SECONDS, "Stat": "Maximum"}
    (result,) = lake.client("cloudwatch").get_metric_data(
        StartTime=now - FRESHNESS_WINDOW,
        EndTime=now,
        ScanBy="TimestampDescending",
        MetricDataQueries=[{"Id": "freshness", "MetricStat": asked}],
    )["MetricDataResults"]
    return Freshness(result["Values"][0], result["Timestamps"][0]) if result["Values"] else None


def read_alarms(lake: Lake, stage: str) -> Alarms:
    stack = names.alarms_stack(stage)
    pages = lake.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{stack}-")
    found = [alarm for page in pages for alarm in page.get("MetricAlarms", [])]
    raised = (
        RaisedAlarm(
            _short_name(alarm["AlarmName"], stack),
            alarm["StateUpdatedTimestamp"],
            alarm.get("AlarmDescription") or "see docs/operations.md",
        )
        for alarm in found
        if alarm["StateValue"] == "ALARM"
    )
    return Alarms(len(found), tuple(sorted(raised)))


def _short_name(name: str, stack: str) -> str:
    """Return the name of the resource in alarms.yaml, to which CloudFormation adds the stack and a number."""
    return name.removeprefix(f"{stack}-").rpartition("-")[0] or name


def read_month(lake: Lake, stage: str, now: datetime) -> MonthSoFar | None:
    """Count this month's clicks: by CloudWatch or, where it has no metrics, by the keeper's daily results."""
    since = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    counts = cloudwatch.count(lake, Span(since, now + HOUR))
    clicks = counts.get("clicks enriched", 0)
    # The metric of the gateway is that of a REST API.
    requests = counts.get("requests at the gateway") or counts.get("requests at the function", 0)
    source = "CloudWatch"
    if not clicks:
        clicks, requests = read_month_results(lake, now.date())
        source = KEEPER
    if not clicks:
        return None
    usd = usd_of(_model(lake, stage), clicks, requests, since, now)
    return MonthSoFar(since, clicks, requests, usd, source)


def _model(lake: Lake, stage: str) -> str:
    """Return which stage of zappa_settings.json this one is like."""
    if stage in read_stages():
        return stage
    found = if_allowed(lambda: http_api(lake, stage))
    return "production" if found and not isinstance(found, Refusal) else "dev"


def read_versions(lake: Lake, stage: str) -> Versions:
    functions = {
        "ingest": names.zappa(stage),
        "processor": f"clicklake-processor-{stage}",
        "keeper": f"clicklake-keeper-{stage}",
        "dashboard": names.zappa(f"dashboard-{stage}"),
    }
    deployed_at = {name: _deployed_at(lake, function) for name, function in functions.items()}
    of_lake = lake.outputs.get("Version", f"older than {FIRST_VERSION_WITH_OUTPUT}")
    versions = {
        "ingest": lambda: _version_of_api(lake, stage, stage),
        "dashboard": lambda: _version_of_api(lake, f"dashboard-{stage}", f"dashboard_{stage}"),
    }
    return Versions(
        checkout=__version__,
        deployed={
            name: DeployedVersion(versions[name]() if name in versions else of_lake, at) if at else None
            for name, at in deployed_at.items()
        },
    )


def _deployed_at(lake: Lake, function: str) -> datetime | None:
    """Return when the function's code or settings last changed; None if there is no such function."""
    try:
        found = lake.client("lambda").get_function_configuration(FunctionName=function)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    return datetime.fromisoformat(found["LastModified"])


def _version_of_api(lake: Lake, stage: str, api_stage: str) -> str | None:
    """Ask the API's /health, which is public; None if it does not answer."""
    api_id = http_api(lake, stage) or rest_api(lake, stage)
    if not api_id:
        return None
    meta = lake.client("lambda").meta
    url = address_of_api(meta.endpoint_url, meta.region_name, api_id, api_stage)
    return next(_versions_at(f"{url}/health"), None)


def _versions_at(url: str) -> Iterator[str]:
    try:
        with open_url(url, timeout=HEALTH_SECONDS) as response:
            document: Any = json.loads(response.read(MAX_HEALTH_BYTES))
    except (OSError, ValueError):  # no answer, a refusal, or no JSON
        return
    version = document.get("version") if isinstance(document, dict) else None
    if isinstance(version, str):
        yield version
