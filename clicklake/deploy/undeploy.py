"""`undeploy`: remove a stage but keep the data it collected."""

import time

from clicklake.deploy import names
from clicklake.deploy.aws import log
from clicklake.deploy.dashboard.function import undeploy_dashboard
from clicklake.deploy.ingest import undeploy_ingest
from clicklake.deploy.resources.buckets import has_bucket
from clicklake.deploy.resources.stacks import Stack, delete_stack, find_stack
from clicklake.deploy.target import Target

# Deleting a delivery stream discards what it has not delivered. So wait as long as its longest buffer (the
# one of raw/ in cloudformation/lake.yaml, or the two before clicks/), and a little more.
RAW_BUFFER_SECONDS = 300
SLACK_SECONDS = 60
EMULATOR_SECONDS = 5  # its buffers wait for half a second


def kept_buckets(target: Target, stage: str) -> dict[str, str]:
    """Return the buckets that undeploy_stage leaves, by content. A deleted bucket cannot be restored."""
    sources = {
        "every click": (names.lake_stack(stage), "BucketName"),
        "the site's files": (names.site_stack(stage), "SiteBucketName"),
    }
    stacks = {content: (find_stack(target.aws, name), output) for content, (name, output) in sources.items()}
    kept = {content: stack.outputs[output] for content, (stack, output) in stacks.items() if stack}
    artifacts = names.artifacts_bucket(target.account, target.region)
    if has_bucket(target.aws, artifacts, target.account):
        kept["bundles of every stage"] = artifacts
    return kept


def undeploy_stage(target: Target, stage: str) -> None:
    """Delete what exists, producers before consumers, so that no click in flight is lost."""
    aws = target.aws
    undeploy_dashboard(aws, stage)
    log.info("1. the site")
    delete_stack(aws, names.site_stack(stage))
    log.info("2. the ingest app")
    undeploy_ingest(aws, stage)
    log.info("3. the alarms")
    delete_stack(aws, names.alarms_stack(stage))
    log.info("4. the lake")
    if lake := find_stack(aws, names.lake_stack(stage)):
        seconds = EMULATOR_SECONDS if target.is_emulator else _seconds_to_land(lake)
        log.info("   waiting %d s until the clicks that are still in the stream have landed", seconds)
        time.sleep(seconds)
        delete_stack(aws, names.lake_stack(stage))


def _seconds_to_land(lake: Stack) -> int:
    buffers = ("BufferIntervalSeconds", "ProcessorBufferIntervalSeconds")
    return max(RAW_BUFFER_SECONDS, sum(int(lake.parameters[name]) for name in buffers)) + SLACK_SECONDS
