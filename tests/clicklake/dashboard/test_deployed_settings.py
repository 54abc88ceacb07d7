"""The deployed dashboard's variables, and who it takes a sender and a name for."""

from typing import Any

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from clicklake.dashboard.deployed.sender import is_own_host, network_of
from clicklake.dashboard.deployed.settings import (
    DAILY_BYTES,
    OUTPUT_VARIABLES,
    DashboardSettingsError,
    check_variables,
    dashboard_settings,
)

ENVIRONMENT = {variable: f"the-{variable.lower()}" for variable in OUTPUT_VARIABLES.values()}
API = "abc123.execute-api.eu-west-1.amazonaws.com"


def request_of(context: dict[str, Any] | None, host: str = API, **headers: str) -> Request:
    environ = EnvironBuilder(base_url=f"https://{host}/", headers=[*headers.items()]).get_environ()
    return Request(environ | ({"lambda.event": {"requestContext": context}} if context is not None else {}))


@pytest.mark.parametrize("missing", OUTPUT_VARIABLES.values())
def test_a_missing_variable_stops_the_start_and_is_named(missing: str) -> None:
    environment = {name: value for name, value in ENVIRONMENT.items() if name != missing}
    with pytest.raises(DashboardSettingsError, match=f"{missing} is not set"):
        dashboard_settings(environment)


def test_what_is_not_set_has_its_default() -> None:
    settings = dashboard_settings(ENVIRONMENT)
    assert (settings.daily_bytes, settings.hosts, settings.endpoint) == (DAILY_BYTES, frozenset(), "")
    assert settings.outputs["AthenaWorkGroupName"] == "the-athena_work_group"


@pytest.mark.parametrize("text", ["0", "-1", "9999999", "1e9", "many", "١٠٠٠٠٠٠٠٠"])
def test_a_budget_is_a_number_of_bytes_for_at_least_one_query(text: str) -> None:
    with pytest.raises(DashboardSettingsError, match=r"DASHBOARD_DAILY_BYTES is .* at least 10,000,000"):
        check_variables({"DASHBOARD_DAILY_BYTES": text})


@pytest.mark.parametrize("text", ["https://a.example", "a.example:443", "a", "*.example.com", "-a.example"])
def test_hosts_are_names(text: str) -> None:
    with pytest.raises(DashboardSettingsError, match="DASHBOARD_HOSTS has"):
        check_variables({"DASHBOARD_HOSTS": text})


def test_several_hosts_are_separated_by_commas() -> None:
    given = {"DASHBOARD_HOSTS": "Clicks.example.com, stats.example.org,", "DASHBOARD_DAILY_BYTES": "10000000"}
    assert check_variables(given) == (
        10_000_000,
        frozenset(["clicks.example.com", "stats.example.org"]),
    )


@pytest.mark.parametrize(
    ("context", "network"),
    [
        ({"identity": {"sourceIp": "203.0.113.77"}}, "203.0.113.0"),
        ({"http": {"sourceIp": "203.0.113.77"}}, "203.0.113.0"),
        ({"http": {"sourceIp": "2001:db8:1:2:3::4"}}, "2001:db8:1::"),
        ({"identity": {"sourceIp": "no address"}}, "unknown"),
        ({"identity": "no mapping"}, "unknown"),
        ({}, "unknown"),
        (None, "unknown"),
    ],
)
def test_the_sender_is_whom_the_gateway_saw(context: dict[str, Any] | None, network: str) -> None:
    forged = {"X-Forwarded-For": "198.51.100.1", "CF-Connecting-IP": "198.51.100.2"}
    assert network_of(request_of(context, **forged)) == network


GATEWAY = {"apiId": "abc123", "domainName": API}
CUSTOM = {"apiId": "abc123", "domainName": "clicks.example.com"}


@pytest.mark.parametrize(
    ("context", "host", "is_ours"),
    [
        (GATEWAY, API, True),
        (GATEWAY, API.upper(), True),
        (GATEWAY, "evil.example", False),
        (GATEWAY, "other.execute-api.eu-west-1.amazonaws.com", False),
        (CUSTOM, "clicks.example.com", True),
        (CUSTOM | {"domainName": "unset.example.com"}, "unset.example.com", False),
        ({"apiId": "abc123", "domainName": "abc123.evil.example"}, "abc123.evil.example", False),
        ({}, API, False),
        (None, "127.0.0.1:4566", False),
    ],
)
def test_only_the_apis_own_name_and_configured_ones_lead_to_the_dashboard(
    context: dict[str, Any] | None, host: str, is_ours: bool
) -> None:
    assert is_own_host(request_of(context, host), {"clicks.example.com"}, "") == is_ours


@pytest.mark.parametrize(
    ("host", "is_ours"), [("127.0.0.1:4566", True), ("localhost:4566", True), ("evil.example", False)]
)
def test_an_emulator_is_reached_by_this_machines_names(host: str, is_ours: bool) -> None:
    assert is_own_host(request_of({}, host), (), "http://127.0.0.1:4566") == is_ours
    assert not is_own_host(request_of({}, host), (), "https://athena.eu-west-1.amazonaws.com")
