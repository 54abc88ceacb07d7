"""The lake's bucket with a key of one's own and an access log, and for how long it keeps what."""

from pathlib import Path

import pytest

from tests.cloudformation.account import Account
from tests.cloudformation.resolved import resolve
from tests.cloudformation.templates import load
from tests.support.paths import ROOT

LAKE = load(ROOT / "cloudformation" / "lake.yaml")
KEY = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"


def test_nothing_is_kept_for_ever_by_default() -> None:
    folders = ("RawDays", "FailedDays", "ClicksDays", "ColumnsDays")
    days = {name: LAKE["Parameters"][name]["Default"] for name in folders}
    assert days == {"RawDays": 90, "FailedDays": 90, "ClicksDays": 760, "ColumnsDays": 760}


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        ({}, {"SSEAlgorithm": "AES256"}),
        ({"HasKey": "yes", "KmsKeyArn": KEY}, {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}),
    ],
)
def test_a_key_of_ones_own_encrypts_the_bucket(names: dict[str, str], rule: dict[str, str]) -> None:
    bucket = LAKE["Resources"]["DataBucket"]["Properties"]
    (encryption,) = resolve(bucket["BucketEncryption"], names)["ServerSideEncryptionConfiguration"]
    assert encryption == {"BucketKeyEnabled": bool(names), "ServerSideEncryptionByDefault": rule}


@pytest.mark.emulator
def test_the_options_deploy_and_go(
    account: Account, packaged_lake: Path, deployed_lake: dict[str, str]
) -> None:
    # An update by the emulator leaves the bucket's encryption as it is. So the test above reads the template.
    options = (f"KmsKeyArn={KEY}", "AccessLogBucket=our-logs")
    assert "Successfully" in account.deploy(packaged_lake, "clicklake-lake-dev", *options)
    assert "Successfully" in account.deploy(
        packaged_lake, "clicklake-lake-dev", "KmsKeyArn=", "AccessLogBucket="
    )


def test_the_access_log_goes_where_the_operator_says() -> None:
    logging = LAKE["Resources"]["DataBucket"]["Properties"]["LoggingConfiguration"]["Fn::If"]
    assert logging[0] == "HasAccessLog"
    assert logging[1]["DestinationBucketName"] == {"Ref": "AccessLogBucket"}


def test_only_the_stream_and_the_keeper_get_the_key() -> None:
    using = {name for name, resource in LAKE["Resources"].items() if "kms:Decrypt" in str(resource)}
    assert using == {"StreamRole", "KeeperRole"}
