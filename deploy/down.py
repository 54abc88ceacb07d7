"""`make undeploy`: take a stage away, but for what it has collected."""

from deploy import names
from deploy.aws import log
from deploy.ingest import undeploy_ingest
from deploy.stacks import delete_stack, find_stack
from deploy.target import Target


def buckets_of(target: Target, stage: str) -> dict[str, str]:
    """What stays, by what it is: a bucket that is deleted cannot be got back."""
    found = {
        "every click": (names.lake_stack(stage), "BucketName"),
        "the site's files": (names.site_stack(stage), "SiteBucketName"),
    }
    stacks = {what: (find_stack(stack), output) for what, (stack, output) in found.items()}
    kept = {what: stack.outputs[output] for what, (stack, output) in stacks.items() if stack}
    return kept | {"bundles, of every stage": names.artifacts_bucket(target.account, target.region)}


def undeploy_stage(stage: str) -> None:
    """Takes away what is there, in the order that nothing is left that sends to what is gone."""
    log.info("1. the site")
    delete_stack(names.site_stack(stage))
    log.info("2. the ingest app")
    undeploy_ingest(stage)
    log.info("3. the alarms")
    delete_stack(names.alarms_stack(stage))
    log.info("4. the lake")
    delete_stack(names.lake_stack(stage))
