"""Aws follows the environment that it is given, as boto3 and the AWS CLI follow the process's own."""

import logging
import os
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from clicklake.deploy.aws import Aws, DeployError, run_tool

CONFIG = """
[default]
region = eu-west-3
retry_mode = adaptive
[profile shop]
region = ap-south-1
endpoint_url = http://shop.example:1
"""
CREDENTIALS = """
[default]
aws_access_key_id = DEFAULT
aws_secret_access_key = hush
[shop]
aws_access_key_id = SHOP
aws_secret_access_key = hush
"""
KEYS = {"AWS_ACCESS_KEY_ID": "KEY", "AWS_SECRET_ACCESS_KEY": "hush"}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "config").write_text(CONFIG)
    (tmp_path / "credentials").write_text(CREDENTIALS)
    return {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }


def facts_of(session: Any, client: Any) -> tuple[Any, ...]:
    credentials = session.get_credentials()
    keys = (credentials.access_key, credentials.token)
    return keys, client.meta.region_name, client.meta.endpoint_url, client.meta.config.retries


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"AWS_PROFILE": "shop"},
        {"AWS_PROFILE": "shop", "AWS_DEFAULT_REGION": "us-west-2", **KEYS, "AWS_SESSION_TOKEN": "token"},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_RETRY_MODE": "legacy", "AWS_MAX_ATTEMPTS": "7"},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:2"},
    ],
)
def test_a_mapping_leads_where_the_same_variables_of_the_process_lead(
    monkeypatch: pytest.MonkeyPatch, files: dict[str, str], variables: dict[str, str]
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with monkeypatch.context() as process:
        for name, value in (files | variables).items():
            process.setenv(name, value)
        session = boto3.Session()
        expected = facts_of(session, session.client("s3"))
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "/not/there")
    aws = Aws(files | variables)
    assert facts_of(aws.session, aws.client("s3")) == expected


@pytest.mark.e2e
def test_the_cli_runs_in_the_given_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "of-the-process")
    code = "import os, sys; print(sorted(name for name in os.environ if 'AWS' in name), sys.stdin.read())"
    monkeypatch.setattr("clicklake.deploy.aws.AWS_CLI", (sys.executable, "-c", code))
    assert Aws({"AWS_REGION": "eu-west-1"}).cli("s3", "ls", stdin="secret") == "['AWS_REGION'] secret\n"


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("Uploading …\nAn error occurred (AccessDenied) when calling X: no\n", "An error occurred (Acc"),
        ("Traceback …\nValueError: no region\n\nNeed help?\n ~ Team Zappa!\n", "ValueError: no region"),
        ("nothing else", "nothing else"),
        ("", "exit code 3"),
    ],
)
def test_a_failure_is_one_line_and_the_whole_output_is_logged(
    caplog: pytest.LogCaptureFixture, output: str, reason: str
) -> None:
    code = f"import sys; sys.stderr.write({output!r}); sys.exit(3)"
    with caplog.at_level(logging.ERROR), pytest.raises(DeployError, match=r"^zappa update dev: ") as failed:
        run_tool([sys.executable, "-c", code], "zappa update dev", {})
    assert failed.value.message.startswith(f"zappa update dev: {reason}")
    assert "\n" not in failed.value.message
    assert caplog.messages == [output.strip()]
