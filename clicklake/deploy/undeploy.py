"""`make undeploy`: take a stage away, but for what it has collected."""

import time

from clicklake.deploy import names
from clicklake.deploy.aws_cli import log
from clicklake.deploy.buckets import has_bucket
from clicklake.deploy.ingest import undeploy_ingest
from clicklake.deploy.stacks import Stack, delete_stack, find_stack
from clicklake.deploy.target import Target

# A delivery stream that is deleted takes along what it has not delivered. So it gets the time of its longest
# buffer, that of raw/ in cloudformation/lake.yaml or those before clicks/, and some more.
RAW_BUFFER_SECONDS = 300
SLACK_SECONDS = 60
EMULATOR_SECONDS = 5  # its buffers wait for half a second


def kept_buckets(target: Target, stage: str) -> dict[str, str]:
    """What stays, by what it is: a bucket that is deleted cannot be got back."""
    found = {
        "every click": (names.lake_stack(stage), "BucketName"),
        "the site's files": (names.site_stack(stage), "SiteBucketName"),
    }
    stacks = {what: (find_stack(stack), output) for what, (stack, output) in found.items()}
    kept = {what: stack.outputs[output] for what, (stack, output) in stacks.items() if stack}
    artifacts = names.artifacts_bucket(target.account, target.region)
    return kept | ({"bundles, of every stage": artifacts} if has_bucket(artifacts, target.account) else {})


def undeploy_stage(target: Target, stage: str) -> None:
    """Take away what is there: first what sends, then what is sent to, and nothing on its way is lost."""
    log.info("1. the site")
    delete_stack(names.site_stack(stage))
    log.info("2. the ingest app")
    undeploy_ingest(stage)
    log.info("3. the alarms")
    delete_stack(names.alarms_stack(stage))
    log.info("4. the lake")
    if lake := find_stack(names.lake_stack(stage)):
        seconds = EMULATOR_SECONDS if target.is_emulator else _seconds_to_land(lake)
        log.info("   waiting %d s, until what the stream still holds has landed", seconds)
        time.sleep(seconds)
        delete_stack(names.lake_stack(stage))


def _seconds_to_land(lake: Stack) -> int:
    buffers = ("BufferIntervalSeconds", "ProcessorBufferIntervalSeconds")
    return max(RAW_BUFFER_SECONDS, sum(int(lake.parameters[name]) for name in buffers)) + SLACK_SECONDS
