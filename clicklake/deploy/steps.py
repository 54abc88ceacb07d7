"""`deploy`: every step of a deployment, in order. Each step needs the one before."""

import json
import sys
from pathlib import Path
from typing import NamedTuple

from clicklake.cli.checkout import ROOT
from clicklake.deploy import names
from clicklake.deploy.aws import Aws, DeployError, log
from clicklake.deploy.dashboard.function import deploy_dashboard, has_dashboard
from clicklake.deploy.ingest import (
    deploy_ingest,
    environment_of,
    put_environment,
    reserve_concurrency,
    set_environment,
)
from clicklake.deploy.packaging.keeper_bundle import bundle_keeper
from clicklake.deploy.packaging.processor_bundle import bundle_processor
from clicklake.deploy.prerequisites import emulator_lake_template, environment_python
from clicklake.deploy.publish import publish
from clicklake.deploy.resources.api import http_api, throttle_api
from clicklake.deploy.resources.buckets import accept_plain_http, make_artifacts_bucket, make_bucket_public
from clicklake.deploy.resources.stacks import Stack, deploy_stack, find_stack, package
from clicklake.deploy.settings import ALARMS, LAKE, MANAGED_PARAMETERS, SITE, StageSettings
from clicklake.deploy.smoke_test import check_stage
from clicklake.deploy.target import Target
from clicklake.deploy.worst_hour import ACCOUNT_CONCURRENCY, describe_worst_hour, limits_of, worst_hour

PACKAGED = ROOT / "build" / "packaged.yaml"
SLACK_SECONDS = 180  # for S3, the processor's start and a slow minute, beyond the two buffers


def check_prerequisites(target: Target) -> None:
    """Raise DeployError if a make target must run first; it names the target."""
    environment_python("ingest")
    if target.is_emulator:
        emulator_lake_template()


class DeployedStage(NamedTuple):
    """Where a stage is, and what its deployment found out."""

    site: str
    api: str
    bucket: str
    landed_seconds: float
    """From the smoke test's event to its line in S3."""
    worst_hour_usd: float
    dashboard: str | None = None
    """Its address, if it is deployed."""


def deploy_stage(
    target: Target, stage: str, model: str, settings: StageSettings, *, with_dashboard: bool = False
) -> DeployedStage:
    """Run all steps. Raises DeployError at the first that fails; a rerun resumes from there.

    A stage that has a dashboard keeps it, and it is updated too.

    If the last step fails, the settings that this deployment changed get their old values back.
    """
    aws = target.aws
    lake_before, variables_before = find_stack(aws, names.lake_stack(stage)), environment_of(aws, stage)
    log.info("1. the lake")
    lake = _deploy_lake(target, stage, settings.templates[LAKE])
    log.info("2. the ingest app")
    deploy_ingest(aws, stage, model)
    variables = settings.ingest | {"ITEM_ID_FIELD": lake.parameters["ItemIdField"]}
    variables["ITEM_ID_PATTERN"] = lake.parameters["ItemIdPattern"]
    environment = set_environment(aws, stage, variables)
    edge_secret = environment["EDGE_SECRET"].partition(",")[0]  # the new one, while it is replaced
    concurrency = _reserve(target, stage, int(lake.parameters["ReservedConcurrency"]))
    api_id = throttle_api(aws, stage)
    api_url = target.api_url(api_id, stage)
    log.info("3. the site")
    site_before = find_stack(aws, names.site_stack(stage))
    parameters = {"Stage": stage, "ApiDomain": target.api_domain(api_id)}
    parameters["EdgeSecret"] = edge_secret
    site = deploy_stack(aws, names.site_stack(stage), SITE, parameters | settings.templates[SITE])
    _publish_site(target, site, api_url)
    log.info("4. the catalogue")
    _update_catalogue_url(target, stage, lake, site_before, site)
    log.info("5. the alarms")
    if not find_stack(aws, names.alarms_stack(stage)):
        _start_keeper(aws, lake)
    alarms = _deploy_alarms(target, stage, lake.outputs["BucketName"], settings.templates[ALARMS])
    _update_topic(target, stage, lake, alarms)
    log.info("6. one event, from the API to S3")
    try:
        seconds = check_stage(aws, api_url, edge_secret, lake.outputs["BucketName"], _delivery_seconds(lake))
    except DeployError as error:
        if lake_before and variables_before:
            _restore_settings(aws, stage, lake_before, variables_before)
            raise DeployError(f"{error.message}; the settings are as they were before") from None
        raise
    log.info("   landed after %.0f s", seconds)
    dashboard = None
    if with_dashboard or has_dashboard(aws, stage):
        log.info("7. the dashboard")
        dashboard = deploy_dashboard(target, stage, model, settings, lake)
    _update_dashboard_address(target, stage, lake, dashboard or "")
    log.info("\n   site   %s\n   api    %s", target.site_url(site), api_url)
    log.info("   lake   s3://%s/clicks/", lake.outputs["BucketName"])
    if dashboard:
        log.info("   dashboard   %s", dashboard)
    limits = limits_of(model, target.region, concurrency)
    log.info("   %s", describe_worst_hour(limits))
    return DeployedStage(
        site=target.site_url(site),
        api=api_url,
        bucket=lake.outputs["BucketName"],
        landed_seconds=round(seconds, 1),
        worst_hour_usd=round(worst_hour(limits).total, 2),
        dashboard=dashboard,
    )


def _restore_settings(aws: Aws, stage: str, lake_before: Stack, variables_before: dict[str, str]) -> None:
    """Give the function's variables and the lake's parameters their values from before this deployment."""
    log.info("   restoring the settings")
    put_environment(aws, stage, variables_before)
    now = find_stack(aws, names.lake_stack(stage))
    changed = {
        name: value
        for name, value in lake_before.parameters.items()
        if now and now.parameters.get(name) != value and name not in MANAGED_PARAMETERS
    }
    if changed:
        deploy_stack(aws, names.lake_stack(stage), PACKAGED, changed)


def deploy_lake(
    target: Target, stage: str, template: Path, packaged: Path, parameters: dict[str, str]
) -> Stack:
    """Upload the two functions that `template` refers to, and deploy the lake.

    The template that refers to the upload is written to `packaged`.
    """
    bucket = names.artifacts_bucket(target.account, target.region)
    make_artifacts_bucket(target.aws, bucket, target.account)
    package(target.aws, template, bucket, packaged)
    lake = deploy_stack(target.aws, names.lake_stack(stage), packaged, {"Stage": stage, **parameters})
    if target.is_emulator:
        accept_plain_http(target.aws, lake.outputs["BucketName"])
    return lake


def _deploy_lake(target: Target, stage: str, overrides: dict[str, str]) -> Stack:
    PACKAGED.parent.mkdir(exist_ok=True)
    if target.is_emulator:
        template = emulator_lake_template()
    else:
        template = LAKE
        before = find_stack(target.aws, names.lake_stack(stage))
        current = before.parameters["Architecture"] if before else "arm64"
        log.info("   $ make bundle")
        machine = overrides.get("Architecture", current)
        bundle_processor(ROOT / "build" / "processor", machine)
        bundle_keeper(ROOT / "build" / "keeper", machine)
    runtime = {"Runtime": f"python{sys.version_info.major}.{sys.version_info.minor}"}
    features = {"SavedQueries": "no" if target.is_emulator else "yes"}
    return deploy_lake(target, stage, template, PACKAGED, overrides | runtime | features)


def _reserve(target: Target, stage: str, executions: int) -> int:
    """Return how many executions of the ingest function can run at once."""
    if refusal := reserve_concurrency(target.aws, stage, executions):
        log.info("   not reserved: %s", refusal)
        return ACCOUNT_CONCURRENCY
    return executions or ACCOUNT_CONCURRENCY


def _publish_site(target: Target, site: Stack, api_url: str) -> None:
    bucket = site.outputs["SiteBucketName"]
    changed = publish(target.aws, bucket, ROOT / "web", endpoint=target.click_endpoint(api_url))
    log.info("   published %d changed files of web/ to s3://%s", changed, bucket)
    if target.is_emulator:
        make_bucket_public(target.aws, bucket)


def _update_catalogue_url(
    target: Target, stage: str, lake: Stack, site_before: Stack | None, site: Stack
) -> None:
    """Point the processor to the site's catalogue, also when the site moves, unless the user set another."""
    ours = ["", target.catalogue_url(site_before)] if site_before else [""]
    current, wanted = lake.parameters["CatalogueUrl"], target.catalogue_url(site)
    if current in ours and current != wanted:
        deploy_stack(target.aws, names.lake_stack(stage), PACKAGED, {"CatalogueUrl": wanted})
    else:
        log.info("   %s", current)


def _start_keeper(aws: Aws, lake: Stack) -> None:
    """Have the keeper store its first result: without any, the new alarm KeeperIsLate would sound at once."""
    event = json.dumps({"job": "reconcile"})
    aws.client("lambda").invoke(
        FunctionName=lake.outputs["KeeperFunctionName"], InvocationType="Event", Payload=event
    )


def _update_topic(target: Target, stage: str, lake: Stack, alarms: Stack) -> None:
    """Tell the keeper which topic mails its messages: the lake is deployed before the topic exists."""
    topic = alarms.outputs["AlarmTopicArn"]
    if lake.parameters["AlarmTopicArn"] != topic:
        deploy_stack(target.aws, names.lake_stack(stage), PACKAGED, {"AlarmTopicArn": topic})


def _update_dashboard_address(target: Target, stage: str, lake: Stack, address: str) -> None:
    """Tell the keeper where the dashboard is, for the link in its mail. Empty if it is not deployed."""
    if lake.parameters["DashboardAddress"] != address:
        deploy_stack(target.aws, names.lake_stack(stage), PACKAGED, {"DashboardAddress": address})


def _deploy_alarms(target: Target, stage: str, bucket: str, overrides: dict[str, str]) -> Stack:
    watched = {"Stage": stage, "BucketName": bucket, "HttpApiId": http_api(target.aws, stage)}
    features = {"ShareAlarms": "no" if target.is_emulator else "yes"}  # the emulator has no metric math
    return deploy_stack(target.aws, names.alarms_stack(stage), ALARMS, watched | features | overrides)


def _delivery_seconds(lake: Stack) -> float:
    buffers = ("BufferIntervalSeconds", "ProcessorBufferIntervalSeconds")
    return sum(float(lake.parameters[name]) for name in buffers) + SLACK_SECONDS
