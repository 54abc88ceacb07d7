"""Buckets that no stack makes: the artifacts', and, on an emulator, the site's, which anyone may read."""

import json

import boto3
from botocore.exceptions import ClientError

from deploy.aws import DeployError, aws


def make_bucket(name: str, account: str) -> None:
    """Make the bucket, unless `account` has it. Raises DeployError where somebody else has it."""
    try:
        boto3.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=account)
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise DeployError(f"the bucket {name} is not ours to use: {error}") from error
        aws("s3", "mb", f"s3://{name}")


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
