"""The deployment target: an AWS account, region and endpoint, and the addresses that follow from them.

An endpoint on this machine is an emulator. It runs functions here, under the Python of this machine. It
serves no domain: a site is read at its bucket's address, and an API at its id.
"""

from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from clicklake.deploy.aws import Aws, DeployError
from clicklake.deploy.resources.stacks import Stack
from clicklake.lake.loopback import is_loopback


@dataclass(frozen=True)
class Target:
    aws: Aws
    account: str
    region: str
    endpoint: str  # of AWS or of an emulator, without a slash at its end

    @property
    def is_emulator(self) -> bool:
        return is_loopback(self.endpoint)

    def api_domain(self, api_id: str) -> str:
        return _domain_of_api(self.region, api_id)

    def api_url(self, api_id: str, stage: str) -> str:
        return address_of_api(self.endpoint, self.region, api_id, stage)

    def click_endpoint(self, api_url: str) -> str:
        """Return where the site's pages send clicks: on AWS to the domain from which they were loaded."""
        return f"{api_url}/clicks" if self.is_emulator else "/clicks"

    def site_url(self, site: Stack) -> str:
        if self.is_emulator:
            return f"{self.endpoint}/{site.outputs['SiteBucketName']}/index.html"
        return site.outputs["SiteUrl"]

    def catalogue_url(self, site: Stack) -> str:
        if self.is_emulator:
            return f"{self.endpoint}/{site.outputs['SiteBucketName']}/mysfits/{{id}}"
        return site.outputs["CatalogueUrl"]


def address_of_api(endpoint: str, region: str, api_id: str, stage: str) -> str:
    """Return the URL of a stage of an API. `endpoint` is that of any AWS service, or the emulator's."""
    if is_loopback(endpoint):
        return f"{endpoint.rstrip('/')}/_aws/execute-api/{api_id}/{stage}"
    return f"https://{_domain_of_api(region, api_id)}/{stage}"


def _domain_of_api(region: str, api_id: str) -> str:
    return f"{api_id}.execute-api.{region}.amazonaws.com"


def find_target(aws: Aws) -> Target:
    """Ask AWS, or the emulator, which account the credentials belong to.

    Raises DeployError if the environment has no region, or no credentials that work.
    """
    if not aws.region:
        raise DeployError("no region: set AWS_DEFAULT_REGION, or run `aws configure`")
    try:
        account = aws.client("sts").get_caller_identity()["Account"]
        endpoint = aws.client("cloudformation").meta.endpoint_url
    except (BotoCoreError, ClientError) as error:
        raise DeployError(f"AWS does not accept these credentials: {error}") from error
    return Target(aws, account, aws.region, endpoint.rstrip("/"))


def is_of_this_machine(url: str) -> bool:
    return is_loopback(url)
