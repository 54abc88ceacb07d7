"""Where to: which account, region and endpoint the environment leads to, and what differs on an emulator.

An emulator is whatever answers on this machine. It runs functions here, under a Python of here; it serves no
domain, so that a site is read by its bucket's address, and an API by its id.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from clicklake.deploy.aws_cli import DeployError
from clicklake.deploy.stacks import Stack


@dataclass(frozen=True)
class Target:
    account: str
    region: str
    endpoint: str
    """Of AWS, or of an emulator: then it has no slash at its end."""

    @property
    def is_emulator(self) -> bool:
        return is_of_this_machine(self.endpoint)

    def api_domain(self, api_id: str) -> str:
        return f"{api_id}.execute-api.{self.region}.amazonaws.com"

    def api_url(self, api_id: str, stage: str) -> str:
        if self.is_emulator:
            return f"{self.endpoint}/_aws/execute-api/{api_id}/{stage}"
        return f"https://{self.api_domain(api_id)}/{stage}"

    def click_endpoint(self, api_url: str) -> str:
        """Where the site's pages send clicks to: on AWS their own domain, whichever they were opened by."""
        return f"{api_url}/clicks" if self.is_emulator else "/clicks"

    def site_url(self, site: Stack) -> str:
        if self.is_emulator:
            return f"{self.endpoint}/{site.outputs['SiteBucketName']}/index.html"
        return site.outputs["SiteUrl"]

    def catalogue_url(self, site: Stack) -> str:
        if self.is_emulator:
            return f"{self.endpoint}/{site.outputs['SiteBucketName']}/mysfits/{{id}}"
        return site.outputs["CatalogueUrl"]


def find_target() -> Target:
    """Ask AWS (or what stands in its place) who we are. Raises DeployError: what the environment lacks."""
    session = boto3.Session()
    if not session.region_name:
        raise DeployError("no region: set AWS_DEFAULT_REGION, or run `aws configure`")
    try:
        account = session.client("sts").get_caller_identity()["Account"]
        endpoint = session.client("cloudformation").meta.endpoint_url
    except (BotoCoreError, ClientError) as error:
        raise DeployError(f"AWS does not know us: {error}") from error
    return Target(account, session.region_name, endpoint.rstrip("/"))


def is_of_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith("localhost.localstack.cloud")
