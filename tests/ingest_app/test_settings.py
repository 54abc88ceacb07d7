"""An invalid setting stops the start with an error that names it."""

from typing import Any

import pytest

from ingest_app import create_app
from ingest_app.parsing.redact import RedactionRules
from ingest_app.settings import IngestSettings, SettingsError

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
    ({"ITEM_ID_FIELD": "itemId"}, "item_id_field", "itemId"),
    ({}, "gpc_mode", "strip"),
    ({"GPC_MODE": "refuse"}, "gpc_mode", "refuse"),
    ({"GPC_MODE": "ignore"}, "gpc_mode", "ignore"),
    ({}, "keep_query", False),
    ({"KEEP_QUERY": "true"}, "keep_query", True),
    ({"KEEP_QUERY": "1"}, "keep_query", True),
    ({"KEEP_QUERY": "False"}, "keep_query", False),
    ({}, "redact_paths", RedactionRules(tokens=True, mails=True)),
    ({"REDACT_PATHS": "none"}, "redact_paths", RedactionRules(tokens=False, mails=False)),
    ({"REDACT_PATHS": "mails"}, "redact_paths", RedactionRules(tokens=False, mails=True)),
    (
        {"REDACT_PATHS": "tokens, /reset/*, /u/*/mail"},
        "redact_paths",
        RedactionRules(True, False, (("reset", "*"), ("u", "*", "mail"))),
    ),
    ({}, "allowed_hosts", None),
    ({"ALLOWED_HOSTS": "Shop.example, *.shop.example"}, "allowed_hosts", ("shop.example", "*.shop.example")),
    ({"ALLOWED_HOSTS": "[2001:db8::1]"}, "allowed_hosts", ("[2001:db8::1]",)),
    ({}, "foreign_hosts", "mark"),
    ({"FOREIGN_HOSTS": "reject", "ALLOWED_HOSTS": "shop.example"}, "foreign_hosts", "reject"),
    ({}, "item_id_pattern", None),
    ({"ITEM_ID_PATTERN": "[0-9a-f]{8}-[0-9a-f]+"}, "item_id_pattern", "[0-9a-f]{8}-[0-9a-f]+"),
    ({}, "visitor_key_table", None),
    ({"VISITOR_KEY_TABLE": "clicklake-visitor-key-dev"}, "visitor_key_table", "clicklake-visitor-key-dev"),
    ({"EDGE_SECRET": "new, old"}, "edge_secret", b"new,old"),
    ({}, "require_edge", False),
    ({"REQUIRE_EDGE": "true", "EDGE_SECRET": "x"}, "require_edge", True),
    ({}, "edge_secret", None),
    ({"EDGE_SECRET": ""}, "edge_secret", None),
    ({}, "region", None),
    ({"AWS_REGION": "eu-central-1"}, "region", "eu-central-1"),
    ({}, "function_name", "local"),
    ({"AWS_LAMBDA_FUNCTION_NAME": "clicklake-dev"}, "function_name", "clicklake-dev"),
]


@pytest.mark.parametrize(("environ", "name", "value"), VALID)
def test_valid_variable_is_read(environ: dict[str, str], name: str, value: Any) -> None:
    settings = IngestSettings.from_environment({"CLICK_STREAM": "clicklake-dev", **environ})
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
        ("REDACT_PATHS", "all"),
        ("REDACT_PATHS", "tokens,,mails"),
        ("REDACT_PATHS", "/reset"),
        ("REDACT_PATHS", "/re*set"),
        ("ALLOWED_HOSTS", "https://shop.example"),
        ("ALLOWED_HOSTS", "shop.example:8080"),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", ","),
        ("FOREIGN_HOSTS", "drop"),
        ("FOREIGN_HOSTS", "reject"),
        ("ITEM_ID_PATTERN", "(a|b)"),
        ("ITEM_ID_PATTERN", "(a+)+"),
        ("ITEM_ID_PATTERN", "a+b+"),
        ("ITEM_ID_PATTERN", ".*"),
        ("ITEM_ID_PATTERN", "[z-a]"),
        ("ITEM_ID_PATTERN", "[a--z]"),
        ("ITEM_ID_PATTERN", "a{1,2}{3}"),
        ("ITEM_ID_PATTERN", "a" * 257),
        ("VISITOR_KEY_TABLE", "a"),
        ("VISITOR_KEY_TABLE", "arn:aws:dynamodb:us-east-1:123456789012:table/key"),
        ("EDGE_SECRET", "a,b,c"),
        ("EDGE_SECRET", "a,"),
        ("REQUIRE_EDGE", "true"),
        ("REQUIRE_EDGE", "yes"),
    ],
)
def test_error_names_the_invalid_variable(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{variable}(=reject)? "):
        IngestSettings.from_environment({"CLICK_STREAM": "clicklake-dev", variable: value})


def test_secrets_are_not_in_the_repr() -> None:
    settings = IngestSettings("clicks", edge_secret=b"secret-1,secret-2")
    assert "secret-" not in repr(settings)


def test_app_reads_its_settings_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLICK_STREAM", "clicks")
    monkeypatch.setenv("GPC_MODE", "off")
    with pytest.raises(SettingsError, match=r"^GPC_MODE must be one of strip, refuse, ignore$"):
        create_app()


def test_app_needs_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/none")
    with pytest.raises(SettingsError, match=r"^AWS_REGION is not set$"):
        create_app(IngestSettings("clicks"))
