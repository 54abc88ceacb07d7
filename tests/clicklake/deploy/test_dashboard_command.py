"""`clicklake deploy --dashboard`: the whole command, which takes minutes."""

import re

import pytest
import requests

from clicklake.deploy.aws import Aws
from clicklake.deploy.dashboard.function import has_dashboard, undeploy_dashboard
from clicklake.deploy.resources.stacks import find_stack
from tests.support.checkout import Stage

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

FUNCTION = "clicklake-dashboard-dev"
KEEPER = "clicklake-keeper-dev"


def linked_address(dev: Stage) -> tuple[str, str]:
    """Return the dashboard's address, as the lake's parameter and as the keeper's variable."""
    parameters = dev.stack("clicklake-lake-dev")["Parameters"]
    (parameter,) = [
        each["ParameterValue"] for each in parameters if each["ParameterKey"] == "DashboardAddress"
    ]
    return parameter, dev.environment(KEEPER)["DASHBOARD_ADDRESS"]


def test_the_command_deploys_it_once_updates_it_from_then_on_and_removes_it(dev: Stage, aws: Aws) -> None:
    first = dev.checkout.make(
        "deploy", "STAGE=dev", "YES=1", "DASHBOARD=1", "SET=DASHBOARD_DAILY_BYTES=20000000"
    )
    (address,) = re.findall(r"^   dashboard +(\S+)$", first, re.MULTILINE)
    assert requests.get(f"{address}health", timeout=60).json()["status"] == "ok"
    assert linked_address(dev) == (address, address)
    again = dev.checkout.make("deploy", "STAGE=dev", "YES=1")
    assert f"   dashboard   {address}" in again
    assert linked_address(dev) == (address, address)
    variables = dev.client("lambda").get_function_configuration(FunctionName=FUNCTION)["Environment"][
        "Variables"
    ]
    assert variables["DASHBOARD_DAILY_BYTES"] == "20000000"
    plan = dev.checkout.make("deploy", "STAGE=dev", "PLAN=1")
    assert "clicklake-reader-dev\n   no change" in plan
    assert f"{FUNCTION}\n   package" in plan
    refused = dev.checkout.run(
        "make", "deploy", "STAGE=dev", "YES=1", "SET=DASHBOARD_HOSTS=https://a.example"
    )
    assert refused.returncode
    assert "DASHBOARD_HOSTS has 'https://a.example'" in refused.stderr + refused.stdout
    undeploy_dashboard(aws, "dev")
    assert not has_dashboard(aws, "dev")
    assert find_stack(aws, "clicklake-reader-dev") is None
    assert find_stack(aws, FUNCTION) is None
    undeploy_dashboard(aws, "dev")  # nothing is left to remove, and that is no error
    dev.checkout.make("deploy", "STAGE=dev", "YES=1")
    assert linked_address(dev) == ("", "")  # the morning mail has no dead link
