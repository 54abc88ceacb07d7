"""The buckets that no stack creates: the artifacts bucket and, on an emulator, the site's bucket."""

import json
from typing import Any

from botocore.exceptions import ClientError

from clicklake.deploy.aws import Aws, DeployError, log


def make_bucket(aws: Aws, name: str, account: str) -> None:
    """Create the bucket unless the account already has it."""
    if not has_bucket(aws, name, account):
        log.info("   $ aws s3 mb s3://%s", name)
        s3 = aws.client("s3")
        s3.create_bucket(Bucket=name, **_location(s3.meta.region_name))


def make_artifacts_bucket(aws: Aws, name: str, account: str) -> None:
    """Make the bucket of the bundles: private, by TLS only, and emptied of old bundles.

    The rules are set at every deployment, so that a bucket of an earlier version gets them too. On an
    emulator, which speaks plain HTTP, the rule for TLS is left out.
    """
    make_bucket(aws, name, account)
    s3 = aws.client("s3")
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
        ),
    )
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [_OLD_BUNDLES]})
    if s3.meta.endpoint_url.startswith("https:"):
        arn = f"arn:{s3.meta.partition}:s3:::{name}"
        statement = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        s3.put_bucket_policy(
            Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        )


# A function keeps its own copy of its bundle. The year leaves time to roll back a stack to its old template.
_OLD_BUNDLES = {
    "ID": "old-bundles",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "Expiration": {"Days": 365},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
}


def has_bucket(aws: Aws, name: str, account: str) -> bool:
    """Return whether the account has the bucket. Raises DeployError if another account has it."""
    try:
        aws.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=account)
    except ClientError as error:
        if error.response["Error"]["Code"] == "404":
            return False
        raise DeployError(f"the bucket {name} is not ours to use: {error}") from error
    return True


def make_bucket_public(aws: Aws, name: str) -> None:
    """Let anyone read the bucket's objects."""
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{name}/*",
    }
    s3 = aws.client("s3")
    s3.delete_public_access_block(Bucket=name)  # S3 blocks public policies on new buckets
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def accept_plain_http(aws: Aws, name: str) -> None:
    """Delete the policy that asks for TLS. An emulator has none, and it would refuse its own functions."""
    aws.client("s3").delete_bucket_policy(Bucket=name)


def _location(region: str) -> dict[str, Any]:
    """S3 requires LocationConstraint to be omitted for us-east-1."""
    return {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
