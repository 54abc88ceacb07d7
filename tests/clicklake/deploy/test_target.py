"""The addresses of a stage on AWS, and on an emulator."""

import pytest

from clicklake.deploy import names
from clicklake.deploy.aws import Aws
from clicklake.deploy.resources.stacks import Stack
from clicklake.deploy.target import Target, is_of_this_machine

AWS = Target(Aws({}), "123456789012", "eu-west-1", "https://cloudformation.eu-west-1.amazonaws.com")
EMULATOR = Target(Aws({}), "000000000000", "us-east-1", "http://127.0.0.1:4566")
SITE = Stack(
    outputs={
        "SiteBucketName": "the-bucket",
        "SiteUrl": "https://d1.cloudfront.net/",
        "CatalogueUrl": "https://d1.cloudfront.net/mysfits/{id}",
    },
    parameters={},
    status="CREATE_COMPLETE",
)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:4566", True),
        ("http://localhost:4566", True),
        ("http://[::1]:4566", True),
        ("http://s3.localhost.localstack.cloud:4566", True),
        ("https://lambda.eu-west-1.amazonaws.com", False),
        ("https://localhost.evil.example", False),
    ],
)
def test_an_endpoint_on_this_machine_is_an_emulator(url: str, expected: bool) -> None:
    assert is_of_this_machine(url) is expected


def test_on_aws_pages_send_clicks_to_their_own_domain() -> None:
    api = AWS.api_url("abc", "dev")
    assert api == "https://abc.execute-api.eu-west-1.amazonaws.com/dev"
    assert AWS.click_endpoint(api) == "/clicks"
    assert AWS.site_url(SITE) == SITE.outputs["SiteUrl"]
    assert AWS.catalogue_url(SITE) == SITE.outputs["CatalogueUrl"]


def test_on_an_emulator_everything_is_at_its_one_address() -> None:
    api = EMULATOR.api_url("abc", "dev")
    assert api == "http://127.0.0.1:4566/_aws/execute-api/abc/dev"
    assert EMULATOR.click_endpoint(api) == f"{api}/clicks"
    assert EMULATOR.site_url(SITE) == "http://127.0.0.1:4566/the-bucket/index.html"
    assert EMULATOR.catalogue_url(SITE) == "http://127.0.0.1:4566/the-bucket/mysfits/{id}"


@pytest.mark.parametrize("stage", ["dev", "production", "lake", "site", "lake-dev"])
def test_none_of_our_stacks_has_the_name_of_zappas(stage: str) -> None:
    ours = {names.lake_stack(stage), names.site_stack(stage), names.alarms_stack(stage)}
    assert len(ours) == 3
    assert names.zappa(stage) not in ours
