"""`make deploy`: every step, in the order that each needs the one before."""

import sys
from pathlib import Path

from clicklake.cli.checkout import ROOT
from clicklake.deploy import names
from clicklake.deploy.aws_cli import DeployError, log
from clicklake.deploy.buckets import make_bucket, open_bucket
from clicklake.deploy.function import forget_old_key, reserve_concurrency, set_environment
from clicklake.deploy.ingest import deploy_ingest, http_api, is_deployed, rest_api
from clicklake.deploy.packaging.processor_bundle import bundle_processor
from clicklake.deploy.publish import publish
from clicklake.deploy.settings import ALARMS, LAKE, SITE, Settings
from clicklake.deploy.smoke_test import check_stage
from clicklake.deploy.stacks import Stack, deploy_stack, find_stack, package
from clicklake.deploy.target import Target
from clicklake.deploy.throttle import throttle_http_api, throttle_rest_api
from clicklake.deploy.worst_hour import ACCOUNT_CONCURRENCY, describe_worst_hour, limits_of

PACKAGED = ROOT / "build" / "packaged.yaml"
EMULATORS_LAKE = ROOT / ".run" / "stage" / "cloudformation" / "lake.yaml"
SLACK_SECONDS = 180  # what S3, the processor's start and a slow minute take, beyond the two buffers


def deploy_stage(target: Target, stage: str, settings: Settings) -> None:
    """Raises DeployError, at the first step that fails; done again, it goes on from there."""
    log.info("1. the lake")
    lake = _deploy_lake(target, stage, settings.templates[LAKE])
    log.info("2. the ingest app")
    if is_deployed(stage):
        forget_old_key(stage)
    deploy_ingest(stage)
    said = settings.ingest | {"ITEM_ID_FIELD": lake.parameters["ItemIdField"]}
    said |= {"ITEM_ID_PATTERN": lake.parameters.get("ItemIdPattern", "")}
    environment = set_environment(stage, said)
    reserved = _reserve(stage, int(lake.parameters["ReservedConcurrency"]))
    api_id = _throttle(stage)
    api_url = target.api_url(api_id, stage)
    log.info("3. the site")
    site_before = find_stack(names.site_stack(stage))
    edge_secret = environment["EDGE_SECRET"].partition(",")[0]  # the new one, while it is replaced
    known = {"Stage": stage, "ApiDomain": target.api_domain(api_id), "EdgeSecret": edge_secret}
    site = deploy_stack(names.site_stack(stage), SITE, known | settings.templates[SITE])
    _publish(target, site, api_url)
    log.info("4. the catalogue")
    _tell_catalogue(target, stage, lake, site_before, site)
    log.info("5. the alarms")
    watched = {"Stage": stage, "BucketName": lake.outputs["BucketName"], "HttpApiId": http_api(stage)}
    able = {"ShareAlarms": "no" if target.is_emulator else "yes"}  # it has no metric math
    deploy_stack(names.alarms_stack(stage), ALARMS, watched | able | settings.templates[ALARMS])
    log.info("6. one event, from the API to S3")
    seconds = check_stage(api_url, lake.outputs["BucketName"], _delivery_seconds(lake), edge_secret)
    log.info("   landed after %.0f s", seconds)
    log.info("\n   site   %s\n   api    %s", target.site_url(site), api_url)
    log.info("   lake   s3://%s/clicks/", lake.outputs["BucketName"])
    log.info("   %s", describe_worst_hour(limits_of(stage, target.region, reserved)))


def deploy_lake(
    target: Target, stage: str, template: Path, packaged: Path, parameters: dict[str, str]
) -> Stack:
    """Upload the processor that lies beside `template`, and deploy the lake.

    The template that refers to the upload is written to `packaged`.
    """
    bucket = names.artifacts_bucket(target.account, target.region)
    make_bucket(bucket, target.account)
    package(template, bucket, packaged)
    return deploy_stack(names.lake_stack(stage), packaged, {"Stage": stage, **parameters})


def _deploy_lake(target: Target, stage: str, said: dict[str, str]) -> Stack:
    PACKAGED.parent.mkdir(exist_ok=True)
    before = find_stack(names.lake_stack(stage))
    runtime = {"Runtime": f"python{sys.version_info.major}.{sys.version_info.minor}"}
    if target.is_emulator:
        template = EMULATORS_LAKE
        if not template.exists():
            raise DeployError("the processor is not bundled for this machine: make .run/stage.ready")
    else:
        template = LAKE
        kept = before.parameters["Architecture"] if before else "arm64"
        log.info("   $ make bundle")
        bundle_processor(ROOT / "build" / "processor", said.get("Architecture", kept))
    able = {"SavedQueries": "no" if target.is_emulator else "yes"}
    return deploy_lake(target, stage, template, PACKAGED, said | runtime | able)


def _reserve(stage: str, executions: int) -> int:
    """Return how many executions may run at once."""
    if refusal := reserve_concurrency(stage, executions):
        log.info("   not reserved: %s", refusal)
        return ACCOUNT_CONCURRENCY
    return executions or ACCOUNT_CONCURRENCY


def _throttle(stage: str) -> str:
    """Returns the API's id."""
    if api_id := http_api(stage):
        throttle_http_api(api_id, stage)
    elif api_id := rest_api(stage):
        throttle_rest_api(api_id, stage)
    else:
        raise DeployError(
            f"the function {names.zappa(stage)} has no API: a deploy of it was broken off."
            f" Take it away, and deploy again: zappa undeploy {stage}"
        )
    return api_id


def _publish(target: Target, site: Stack, api_url: str) -> None:
    bucket = site.outputs["SiteBucketName"]
    changed = publish(bucket, Path(ROOT, "web"), endpoint=target.click_endpoint(api_url))
    log.info("   published %d changed files of web/ to s3://%s", changed, bucket)
    if target.is_emulator:
        open_bucket(bucket)


def _tell_catalogue(target: Target, stage: str, lake: Stack, site_before: Stack | None, site: Stack) -> None:
    """Where nobody named a catalogue, the processor asks the site's; and follows it to a new domain."""
    of_the_site = ["", target.catalogue_url(site_before)] if site_before else [""]
    now, wanted = lake.parameters["CatalogueUrl"], target.catalogue_url(site)
    if now in of_the_site and now != wanted:
        deploy_stack(names.lake_stack(stage), PACKAGED, {"CatalogueUrl": wanted})
    else:
        log.info("   %s", now)


def _delivery_seconds(lake: Stack) -> float:
    buffers = ("BufferIntervalSeconds", "ProcessorBufferIntervalSeconds")
    return sum(float(lake.parameters[name]) for name in buffers) + SLACK_SECONDS
