"""`zappa deploy dev` with the committed settings, against the emulator with IAM enforced."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import requests

from tests.support.landed import EVANGELINE, Lake
from tests.support.paths import ENVS, ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


class Zappa:
    """The `zappa` command as a user runs it: in the checkout, with the ingest environment active."""

    def __init__(self, env: dict[str, str], temporary: Path) -> None:
        venv = ENVS / "ingest"
        path = f"{venv / 'bin'}:{env['PATH']}"
        self.env = env | {"VIRTUAL_ENV": str(venv), "PATH": path, "TMPDIR": str(temporary)}

    def __call__(self, *arguments: str) -> str:
        command = ["zappa", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def zappa(
    addresses: dict[str, str], aws_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Zappa:
    if "s3" not in addresses:
        pytest.skip("deploys a stage of its own: run without --api")
    return Zappa(aws_env, tmp_path_factory.mktemp("zappa"))


@pytest.fixture(scope="module")
def deployed_api(zappa: Zappa, addresses: dict[str, str]) -> Iterator[str]:
    zappa("deploy", "dev")
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    rest_apis = boto3.client("apigateway", endpoint_url=addresses["s3"], **keys).get_rest_apis()["items"]
    (api_id,) = [api["id"] for api in rest_apis if api["name"] == "clicklake-dev"]
    yield f"{addresses['s3']}/_aws/execute-api/{api_id}/dev"
    zappa("undeploy", "dev", "--yes")


def test_a_click_lands_through_the_deployed_stage_and_a_refusal_names_the_field(
    deployed_api: str, lake: Lake
) -> None:
    click = {"userId": "guest", "mysfitId": EVANGELINE}
    accepted = requests.put(f"{deployed_api}/clicks", json=click, timeout=30)
    assert accepted.status_code == 202, accepted.text
    line = lake.line_of(accepted.json()["receipts"][0]["eventId"])
    assert (line["species"], line["itemLookup"]) == ("Chimera", "found")

    refused = requests.put(f"{deployed_api}/clicks", json={"userId": "guest"}, timeout=30)
    assert refused.status_code == 400
    assert refused.headers["Content-Type"].startswith("application/problem+json")
    assert "mysfitId" in refused.json()["errors"][0]["field"]


def test_zappa_update_and_status_work_and_leave_the_lake_alone(
    zappa: Zappa, deployed_api: str, lake: Lake
) -> None:
    zappa("update", "dev")
    assert "clicklake-dev" in zappa("status", "dev")
    accepted = requests.put(f"{deployed_api}/clicks", json={"mysfitId": EVANGELINE}, timeout=30)
    assert accepted.status_code == 202, accepted.text
    assert lake.line_of(accepted.json()["receipts"][0]["eventId"])["itemLookup"] == "found"


def test_the_ingest_role_may_put_on_its_stream_and_nothing_else(deployed_api: str, lake: Lake) -> None:
    iam = boto3.client("iam")
    role = "clicklake-dev-ZappaLambdaExecutionRole"
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    statements = [statement for document in documents for statement in document["Statement"]]
    allowed = {action for each in statements for action in _as_list(each["Action"])}
    # lambda:InvokeFunction on itself: Zappa's REST API calls the function under the function's own role.
    assert allowed == {
        "firehose:PutRecord", "logs:CreateLogStream", "logs:PutLogEvents", "lambda:InvokeFunction"
    }  # fmt: skip
    assert not iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    resources = {resource for each in statements for resource in _as_list(each["Resource"])}
    assert {resource.split(":", 5)[5] for resource in resources} == {
        "deliverystream/clicklake-dev", "log-group:/aws/lambda/clicklake-dev:*", "function:clicklake-dev"
    }  # fmt: skip


def _as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
