"""This machine is asked directly, whatever proxy the environment names."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ProxyConnectionError

from clicklake.deploy.aws import Aws
from clicklake.lake.loopback import is_loopback, new_client, open_url, without_proxy
from clicklake.local.processes import Process
from tests.support.emulator import PYTHON, Emulator
from tests.support.lakes import Commands

DEAD_PROXY = "http://127.0.0.1:9"  # the discard port, where no server listens
EXCLUDED = "127.0.0.1,localhost,::1"
VARIABLES = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]


@pytest.fixture(params=VARIABLES)
def proxy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in (*VARIABLES, "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(request.param, DEAD_PROXY)
    variable: str = request.param
    return variable


def keys_of(aws_env: dict[str, str]) -> dict[str, Any]:
    return {
        "endpoint_url": aws_env["AWS_ENDPOINT_URL"],
        "aws_access_key_id": aws_env["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": aws_env["AWS_SECRET_ACCESS_KEY"],
        "region_name": "us-east-1",
    }


@pytest.mark.emulator
def test_clients_urls_and_child_processes_ask_this_machine_directly(
    proxy: str, emulator: Emulator, aws_env: dict[str, str], tmp_path: Path
) -> None:
    assert "Buckets" in new_client("s3", **keys_of(aws_env)).list_buckets()
    assert "Buckets" in Aws(aws_env).client("s3").list_buckets()
    with open_url(f"{emulator.gateway}/_ministack/health", timeout=10) as response:
        assert response.status == 200
    command = [PYTHON, "-c", "import time; time.sleep(30)"]
    process = Process("a child", command, env={}, cwd=tmp_path, log=tmp_path / "log")
    try:
        process.wait_until_answers(f"{emulator.gateway}/_ministack/health", seconds=10)
    finally:
        process.stop()
    assert Aws(aws_env | {proxy: DEAD_PROXY}).cli("sts", "get-caller-identity")


@pytest.mark.emulator
def test_a_command_asks_this_machine_directly(clicklake: Commands, proxy: str) -> None:
    assert clicklake("query", "select 1 as one").exit_code == 0


@pytest.mark.emulator
@pytest.mark.parametrize("proxy", ["HTTP_PROXY", "http_proxy"], indirect=True)
def test_boto3_alone_would_ask_the_proxy(proxy: str, aws_env: dict[str, str]) -> None:
    with pytest.raises(ProxyConnectionError):
        boto3.client("s3", **keys_of(aws_env)).list_buckets()


def test_aws_is_asked_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    client = new_client("s3", region_name="us-east-1")
    proxies = client._endpoint.http_session._proxy_config
    assert proxies.proxy_url_for("https://s3.amazonaws.com") == "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:4566", True),
        ("http://127.0.0.1:4566", True),
        ("http://s3.localhost.localstack.cloud:4566", True),
        ("http://[::1]:4566", True),
        ("https://localhost.evil.example", False),
        ("https://evillocalhost.localstack.cloud", False),
        ("https://s3.us-east-1.amazonaws.com", False),
    ],
)
def test_loopback_is_known_by_its_names(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"PATH": "/bin"}, {"PATH": "/bin"}),
        ({"http_proxy": "p"}, {"http_proxy": "p", "NO_PROXY": EXCLUDED, "no_proxy": EXCLUDED}),
        ({"HTTP_PROXY": "p", "no_proxy": "*"}, {"HTTP_PROXY": "p", "no_proxy": "*", "NO_PROXY": EXCLUDED}),
    ],
)
def test_children_are_told_to_ask_this_machine_directly(
    environment: dict[str, str], expected: dict[str, str]
) -> None:
    assert without_proxy(environment) == expected
