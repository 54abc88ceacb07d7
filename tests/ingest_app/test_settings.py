"""Wrong configuration stops the start, and names the variable."""

import os
import subprocess
import sys
from typing import Any

import pytest

from ingest_app.settings import Settings, SettingsError
from tests.support.paths import ROOT

VALID: list[tuple[dict[str, str], str, Any]] = [
    ({}, "click_stream", "clicklake-dev"),
    ({"CLICK_STREAM": "A-z_0.9"}, "click_stream", "A-z_0.9"),
    ({}, "allowed_origins", None),
    ({"ALLOWED_ORIGINS": ""}, "allowed_origins", None),
    ({"ALLOWED_ORIGINS": "*"}, "allowed_origins", None),
    ({"ALLOWED_ORIGINS": "https://Shop.example"}, "allowed_origins", {"https://shop.example"}),
    (
        {"ALLOWED_ORIGINS": " https://a.example , http://localhost:8000,"},
        "allowed_origins",
        {"https://a.example", "http://localhost:8000"},
    ),
    ({}, "item_id_field", "mysfitId"),
    ({"ITEM_ID_FIELD": "productId"}, "item_id_field", "productId"),
    ({}, "gpc_mode", "strip"),
    ({"GPC_MODE": "refuse"}, "gpc_mode", "refuse"),
    ({"GPC_MODE": "ignore"}, "gpc_mode", "ignore"),
    ({}, "keep_query", False),
    ({"KEEP_QUERY": "true"}, "keep_query", True),
    ({"KEEP_QUERY": "1"}, "keep_query", True),
    ({"KEEP_QUERY": "False"}, "keep_query", False),
    ({}, "visitor_key", None),
    ({"VISITOR_KEY": "é"}, "visitor_key", "é".encode()),
    ({}, "edge_secret", None),
    ({"EDGE_SECRET": ""}, "edge_secret", None),
    ({}, "region", None),
    ({"AWS_REGION": "eu-central-1"}, "region", "eu-central-1"),
    ({}, "function_name", "local"),
    ({"AWS_LAMBDA_FUNCTION_NAME": "clicklake-dev"}, "function_name", "clicklake-dev"),
]


@pytest.mark.parametrize(("environ", "name", "value"), VALID)
def test_variable_is_read(environ: dict[str, str], name: str, value: Any) -> None:
    settings = Settings.from_environment({"CLICK_STREAM": "clicklake-dev", **environ})
    assert getattr(settings, name) == value


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CLICK_STREAM", ""),
        ("CLICK_STREAM", "   "),
        ("CLICK_STREAM", "arn:aws:firehose:us-east-1:123456789012:deliverystream/clicks"),
        ("CLICK_STREAM", "x" * 65),
        ("ALLOWED_ORIGINS", ","),
        ("ALLOWED_ORIGINS", "shop.example"),
        ("ALLOWED_ORIGINS", "https://shop.example/"),
        ("ALLOWED_ORIGINS", "https://*.shop.example"),
        ("ALLOWED_ORIGINS", "*,https://shop.example"),
        ("ALLOWED_ORIGINS", "null"),
        ("ITEM_ID_FIELD", "userId"),
        ("ITEM_ID_FIELD", "clicks"),
        ("ITEM_ID_FIELD", "item id"),
        ("ITEM_ID_FIELD", "1"),
        ("GPC_MODE", "off"),
        ("GPC_MODE", "STRIP"),
        ("KEEP_QUERY", "maybe"),
    ],
)
def test_wrong_variable_is_named(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{variable} "):
        Settings.from_environment({"CLICK_STREAM": "clicklake-dev", variable: value})


def test_secrets_are_in_no_representation() -> None:
    settings = Settings("clicks", visitor_key=b"secret-1", edge_secret=b"secret-2")
    assert "secret-" not in repr(settings)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"AWS_REGION": "us-east-1"}, "CLICK_STREAM is not set"),
        ({"CLICK_STREAM": "clicklake-dev"}, "AWS_REGION is not set"),
        ({"CLICK_STREAM": "clicklake-dev", "AWS_REGION": "us-east-1", "GPC_MODE": "off"}, "GPC_MODE must be"),
    ],
)
def test_wrong_environment_stops_flask_run_by_name(environ: dict[str, str], message: str) -> None:
    nothing = {"AWS_CONFIG_FILE": "/none", "AWS_SHARED_CREDENTIALS_FILE": "/none"}
    run = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "ingest_app", "run", "--port", "0"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **nothing, **environ},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert run.returncode != 0
    assert message in run.stderr
