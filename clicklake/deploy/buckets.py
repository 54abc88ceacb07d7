"""Buckets that no stack makes: the artifacts', and, on an emulator, the site's, which anyone may read."""

import json
from typing import Any

import boto3
from botocore.exceptions import ClientError

from clicklake.deploy.aws_cli import DeployError, log


def make_bucket(name: str, account: str) -> None:
    """Make the bucket, unless the account has it."""
    if not has_bucket(name, account):
        log.info("   $ aws s3 mb s3://%s", name)
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=name, **_in(s3.meta.region_name))


def has_bucket(name: str, account: str) -> bool:
    """Raises DeployError where somebody else has it: names are the whole world's."""
    try:
        boto3.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=account)
    except ClientError as error:
        if error.response["Error"]["Code"] == "404":
            return False
        raise DeployError(f"the bucket {name} is not ours to use: {error}") from error
    return True


def _in(region: str) -> dict[str, Any]:
    """S3 knows us-east-1 by its name not being said."""
    return {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}


def open_bucket(name: str) -> None:
    """Let anyone read it, by its plain address."""
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{name}/*",
    }
    s3 = boto3.client("s3")
    s3.delete_public_access_block(Bucket=name)  # new buckets refuse public policies
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
