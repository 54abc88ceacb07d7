"""The artifacts bucket: private, by TLS only where the endpoint has TLS, and emptied of old bundles."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from clicklake.deploy.aws import Aws
from clicklake.deploy.resources.buckets import accept_plain_http, make_artifacts_bucket
from tests.support.emulator import Emulator

BUCKET = "clicklake-artifacts-000000000000-us-east-1"


class RecordedS3:
    """Takes every call, and says that the bucket exists."""

    def __init__(self, endpoint: str) -> None:
        self.meta = SimpleNamespace(endpoint_url=endpoint, partition="aws-cn", region_name="cn-north-1")
        self.calls: dict[str, dict[str, Any]] = {}

    def __getattr__(self, name: str) -> Any:
        return lambda **arguments: self.calls.setdefault(name, arguments)


@pytest.mark.parametrize(("endpoint", "has_policy"), [("https://s3.aws", True), ("http://[::1]:1", False)])
def test_the_policy_denies_plain_http_where_there_is_tls(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, has_policy: bool
) -> None:
    s3 = RecordedS3(endpoint)
    monkeypatch.setattr(Aws, "client", lambda self, service: s3)
    make_artifacts_bucket(Aws({}), BUCKET, "000000000000")
    assert ("put_bucket_policy" in s3.calls) == has_policy
    assert all(s3.calls["put_public_access_block"]["PublicAccessBlockConfiguration"].values())
    if has_policy:
        (statement,) = json.loads(s3.calls["put_bucket_policy"]["Policy"])["Statement"]
        assert (statement["Effect"], statement["Resource"][0]) == ("Deny", f"arn:aws-cn:s3:::{BUCKET}")


@pytest.mark.emulator
def test_an_existing_bucket_gets_the_rules_too(emulator: Emulator, aws: Aws) -> None:
    s3 = emulator.client("s3")
    bucket = f"{BUCKET}-2"
    s3.create_bucket(Bucket=bucket)
    for _ in range(2):
        make_artifacts_bucket(aws, bucket, "000000000000")
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert rule["Expiration"]["Days"] == 365
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"]


@pytest.mark.emulator
def test_a_bucket_of_an_emulator_loses_its_policy_and_may_have_none(emulator: Emulator, aws: Aws) -> None:
    s3, bucket = emulator.client("s3"), f"{BUCKET}-3"
    s3.create_bucket(Bucket=bucket)
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    for _ in range(2):
        accept_plain_http(aws, bucket)
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=bucket)
