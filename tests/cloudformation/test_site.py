"""The site's stack: what CloudFront passes on to the ingest app, and who can read the bucket."""

import re
from typing import Any

import pytest
import requests

from tests.cloudformation.account import Account
from tests.cloudformation.templates import load, resources_of
from tests.support.paths import ROOT

TEMPLATE = ROOT / "cloudformation" / "site.yaml"
STACK = "clicklake-site-dev"
API = "ApiDomain=abc.execute-api.us-east-1.amazonaws.com"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"


# docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html
REFUSED_HEADERS = re.compile(r"x-amz-|x-edge-|x-real-ip$|host$|cookie$|via$", re.IGNORECASE)
MAX_HEADERS = 10  # docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html


@pytest.fixture(scope="module")
def site() -> dict[str, Any]:
    return load(TEMPLATE)


@pytest.fixture(scope="module")
def distribution(site: dict[str, Any]) -> dict[str, Any]:
    (found,) = resources_of(site, "AWS::CloudFront::Distribution").values()
    config: dict[str, Any] = found["DistributionConfig"]
    return config


def test_the_ingest_app_gets_every_header_that_it_reads_but_not_host(site: dict[str, Any]) -> None:
    (policy,) = resources_of(site, "AWS::CloudFront::OriginRequestPolicy").values()
    headers = policy["OriginRequestPolicyConfig"]["HeadersConfig"]["Headers"]
    assert {"Origin", "User-Agent", "Content-Type", "Sec-GPC", "DNT", "Sec-Purpose"} < set(headers)
    assert {"CloudFront-Viewer-Address", "CloudFront-Viewer-Country"} < set(headers)
    assert "Host" not in headers
    assert len(headers) <= MAX_HEADERS
    assert policy["OriginRequestPolicyConfig"]["QueryStringsConfig"] == {"QueryStringBehavior": "all"}


def test_cloudfront_accepts_the_name_of_the_secret_header(distribution: dict[str, Any]) -> None:
    api = distribution["Origins"][1]["Fn::If"][1]
    (header,) = api["OriginCustomHeaders"]["Fn::If"][1]
    assert header["HeaderValue"] == {"Ref": "EdgeSecret"}
    assert not REFUSED_HEADERS.match(header["HeaderName"])


def test_both_ways_to_send_a_click_go_to_the_api_uncached(distribution: dict[str, Any]) -> None:
    configured = distribution["CacheBehaviors"]["Fn::If"][1]
    behaviours = {behaviour["PathPattern"]: behaviour for behaviour in configured}
    assert set(behaviours) == {"/clicks", "/clicks.gif"}
    for behaviour in behaviours.values():
        assert behaviour["TargetOriginId"] == "api"
        assert behaviour["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert {"PUT", "POST", "OPTIONS"} < set(behaviours["/clicks"]["AllowedMethods"])


def test_a_page_may_load_only_from_its_own_origin(site: dict[str, Any]) -> None:
    (policy,) = resources_of(site, "AWS::CloudFront::ResponseHeadersPolicy").values()
    security = policy["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    directives = security["ContentSecurityPolicy"]["ContentSecurityPolicy"].split("; ")
    assert "default-src 'none'" in directives
    assert not re.search("unsafe|http|[*]", security["ContentSecurityPolicy"]["ContentSecurityPolicy"])


def test_the_firewall_leaves_bodies_alone(site: dict[str, Any]) -> None:
    """AWS's core rules block bodies over 8 KB, and markup in titles. Batches of clicks can have both."""
    (firewall,) = resources_of(site, "AWS::WAFv2::WebACL").values()
    groups = [
        rule["Statement"].get("ManagedRuleGroupStatement", {}).get("Name") for rule in firewall["Rules"]
    ]
    assert "AWSManagedRulesCommonRuleSet" not in groups


@pytest.fixture(scope="module")
def deployed_site(account: Account) -> dict[str, str]:
    account.deploy(TEMPLATE, STACK)  # as in a first deployment, before there is an API
    return account.outputs(STACK)


@pytest.mark.emulator
def test_the_site_deploys_without_an_api_and_then_with_one(
    account: Account, deployed_site: dict[str, str]
) -> None:
    account.deploy(TEMPLATE, STACK, API, f"EdgeSecret={'s' * 40}", "RequestsPerFiveMinutes=1000")
    config = account.client("cloudfront").get_distribution_config(Id=deployed_site["DistributionId"])
    origins = {origin["Id"]: origin for origin in config["DistributionConfig"]["Origins"]["Items"]}
    assert origins["api"]["OriginPath"] == "/dev"
    assert config["DistributionConfig"]["WebACLId"]
    assert account.outputs(STACK) == deployed_site


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("parameter", "reason"),
    [
        ("DomainName=mysfits.example", "DomainName needs CertificateArn"),
        (f"CertificateArn={CERTIFICATE}", "CertificateArn needs DomainName"),
    ],
)
def test_a_domain_needs_a_certificate_and_the_reverse(account: Account, parameter: str, reason: str) -> None:
    with pytest.raises(AssertionError, match=reason):
        account.deploy(TEMPLATE, "clicklake-site-refused", parameter)


@pytest.mark.emulator
def test_only_cloudfront_serves_a_page(account: Account, deployed_site: dict[str, str]) -> None:
    bucket = deployed_site["SiteBucketName"]
    page = {"Bucket": bucket, "Key": "index.html", "Body": b"<!doctype html>", "ContentType": "text/html"}
    account.client("s3").put_object(**page)
    viewer = {"Host": deployed_site["DistributionDomain"], "X-Forwarded-Proto": "https"}
    served = requests.get(f"{account.endpoint}/", headers=viewer, timeout=10)
    assert (served.status_code, served.content) == (200, b"<!doctype html>")
    assert "default-src 'none'" in served.headers["Content-Security-Policy"]
    assert requests.get(f"{account.endpoint}/{bucket}/index.html", timeout=10).status_code == 403
