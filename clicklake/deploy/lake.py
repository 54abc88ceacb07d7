"""The lake: the one stack that needs a bundle, and a bucket to hand it over."""

from pathlib import Path

from clicklake.deploy.buckets import make_bucket
from clicklake.deploy.names import artifacts_bucket, lake_stack
from clicklake.deploy.stacks import Stack, deploy_stack, package
from clicklake.deploy.target import Target


def deploy_lake(
    target: Target, stage: str, template: Path, packaged: Path, parameters: dict[str, str]
) -> Stack:
    """`template` is one whose CodeUri is built; `packaged` is where the template of the upload goes."""
    bucket = artifacts_bucket(target.account, target.region)
    make_bucket(bucket, target.account)
    package(template, bucket, packaged)
    return deploy_stack(lake_stack(stage), packaged, {"Stage": stage, **parameters})
