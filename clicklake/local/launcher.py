"""Start the local cloud in the order in which its parts need each other: emulator, site, lake, ingest app."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request

from clicklake.cli.checkout import ROOT
from clicklake.deploy.aws import Aws
from clicklake.deploy.prerequisites import emulator_lake_template, environment_python
from clicklake.deploy.publish import publish
from clicklake.deploy.resources.buckets import make_bucket, make_bucket_public
from clicklake.deploy.steps import deploy_lake
from clicklake.deploy.target import Target
from clicklake.errors import CommandError
from clicklake.lake.loopback import open_url
from clicklake.local.addresses import REGION, addresses_file, keys_of, new_token, write_private
from clicklake.local.instance import InstanceError, only_instance
from clicklake.local.keeper_clock import clock_seconds, keeper_clock, make_topic
from clicklake.local.ports import PortError, Ports
from clicklake.local.processes import Process
from clicklake.local.services import READY_SECONDS, start_dashboard, start_emulator, start_ingest
from clicklake.local.shop import Shop

STAGE = "dev"
SITE_BUCKET = f"clicklake-site-{STAGE}"
ACCOUNT = "000000000000"
SAVE_SECONDS = 30

QUIET_AWS = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,  # without the user's profiles, nothing can reach real AWS
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_PAGER": "",
}


@dataclass(frozen=True)
class LocalCloud:
    """A running cloud. `addresses` is the content of .run/addresses.json."""

    addresses: dict[str, str]
    processes: tuple[Process, ...]


@contextmanager
def running_cloud(folder: Path, wanted: Ports, shop: Shop) -> Iterator[LocalCloud]:
    """Run the whole cloud with its state and logs under `folder`. Stop every process at the end.

    Raises CommandError if a cloud runs in this folder already, a port is taken, something is not installed,
    a setting of the shop breaks its rule, or a part does not start.
    """
    for environment in ("emulator", "ingest"):
        environment_python(environment)
    template = emulator_lake_template()
    shop.check()
    folder = folder.resolve()  # the children's current folder is the checkout
    with _locked(folder), _started(folder, _checked_ports(wanted), shop, template) as cloud:
        yield cloud


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with ExitStack() as stop:
        try:
            stop.enter_context(only_instance(folder))
        except InstanceError as error:
            raise CommandError(str(error)) from None
        yield


@contextmanager
def _started(folder: Path, ports: Ports, shop: Shop, template: Path) -> Iterator[LocalCloud]:
    addresses_file(folder).unlink(missing_ok=True)  # of a cloud that was killed
    s3_url, api_url = f"http://127.0.0.1:{ports.s3}", f"http://127.0.0.1:{ports.api}"
    (folder / "state").mkdir(mode=0o700, exist_ok=True)  # other users may not read the lake's objects
    keys = keys_of(folder)
    seconds = clock_seconds()
    aws_environment = QUIET_AWS | keys.environment(s3_url)
    target = Target(Aws(_without_aws(os.environ) | aws_environment), ACCOUNT, REGION, s3_url)
    site = f"{s3_url}/{SITE_BUCKET}/index.html"
    with ExitStack() as stop:
        emulator = start_emulator(folder, ports, keys, site, shop.example_click())
        stop.callback(emulator.stop)
        emulator.wait_until_answers(f"{s3_url}/_ministack/health", seconds=READY_SECONDS)
        _publish_site(target.aws, f"{api_url}/clicks")
        dashboard_url = f"http://127.0.0.1:{ports.dashboard}/"
        keeper = {"AlarmTopicArn": make_topic(target.aws), "DashboardAddress": dashboard_url}
        lake = _deploy_lake(target, shop, template, folder / "packaged.yaml", keeper)
        ingest = start_ingest(folder, ports.api, lake, aws_environment | shop.variables())
        stop.callback(ingest.stop)
        token = new_token()
        dashboard = start_dashboard(
            folder, ports.dashboard, lake["BucketName"], token, aws_environment | shop.variables()
        )
        stop.callback(dashboard.stop)
        ingest.wait_until_answers(f"{api_url}/health", seconds=READY_SECONDS)
        dashboard.wait_until_answers(f"{dashboard_url}health", seconds=READY_SECONDS)
        addresses = {
            "dashboard": f"{dashboard_url}?token={token}",
            "site": site,
            "api": api_url,
            "live": f"http://127.0.0.1:{ports.live}/",
            "s3": s3_url,
            "bucket": lake["BucketName"],
            "siteBucket": SITE_BUCKET,
            "stream": lake["StreamName"],
            "accessKeyId": keys.access_key_id,
            "secretAccessKey": keys.secret_access_key,
        }
        _save_control_plane(addresses["live"])
        stop.callback(addresses_file(folder).unlink, missing_ok=True)
        write_private(addresses_file(folder), addresses)
        log = folder / "log" / "keeper.log"
        stop.enter_context(keeper_clock(target.aws, lake["KeeperFunctionName"], log, seconds))
        yield LocalCloud(addresses, (emulator, ingest, dashboard))


def _checked_ports(wanted: Ports) -> Ports:
    try:
        wanted.check()
    except PortError as error:
        raise CommandError(str(error)) from None
    return wanted.filled()


def _without_aws(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without its AWS_ variables: a profile could lead to real AWS."""
    return {name: value for name, value in environment.items() if not name.startswith("AWS_")}


def _publish_site(aws: Aws, endpoint: str) -> None:
    make_bucket(aws, SITE_BUCKET, ACCOUNT)
    publish(aws, SITE_BUCKET, ROOT / "web", endpoint=endpoint, cache_control="no-cache")
    make_bucket_public(aws, SITE_BUCKET)


def _deploy_lake(
    target: Target, shop: Shop, template: Path, packaged: Path, keeper: dict[str, str]
) -> dict[str, str]:
    parameters = shop.parameters(f"{target.endpoint}/{SITE_BUCKET}/mysfits/{{id}}")
    parameters["Runtime"] = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return deploy_lake(target, STAGE, template, packaged, parameters | keeper).outputs


def _save_control_plane(live: str) -> None:
    """Save what was deployed. MiniStack does so only when it ends; a SIGKILL would orphan the lake."""
    with open_url(Request(f"{live}save", method="POST"), timeout=SAVE_SECONDS):
        pass
