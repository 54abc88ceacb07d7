"""The deployed dashboard's environment variables. Zappa's callback takes most from the lake's stack.

That callback runs where neither sqlglot nor DuckDB is installed, so this module imports nothing of ours.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

DAILY_BYTES = 100_000_000_000  # half a dollar
MIN_DAILY_BYTES = 10_000_000  # what Athena bills for one query

OUTPUT_VARIABLES = {
    "BucketName": "BUCKET_NAME",
    "GlueDatabaseName": "GLUE_DATABASE",
    "GlueTableName": "GLUE_TABLE",
    "ColumnsTableName": "COLUMNS_TABLE",
    "AthenaWorkGroupName": "ATHENA_WORK_GROUP",
}
"""The lake's outputs, and the variables that hold them. The work group is the dashboard's own."""

_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+")


class DashboardSettingsError(ValueError):
    """Stops the start. The message names the variable."""


@dataclass(frozen=True)
class DashboardSettings:
    stage: str
    outputs: dict[str, str]
    """Of the lake's stack, as `clicklake.lake.bucket.Lake` has them."""
    daily_bytes: int
    hosts: frozenset[str]
    """Names under which people open the dashboard, beside the API's own."""
    endpoint: str
    """Of an emulator; empty on AWS."""


def dashboard_settings(environment: Mapping[str, str] = os.environ) -> DashboardSettings:
    """Read them. Raises DashboardSettingsError."""
    outputs = {}
    for output, variable in OUTPUT_VARIABLES.items():
        outputs[output] = environment.get(variable, "")
        if not outputs[output]:
            raise DashboardSettingsError(
                f"{variable} is not set: it is the output {output} of the lake's stack"
            )
    daily_bytes, hosts = check_variables(environment)
    endpoint = environment.get("AWS_ENDPOINT_URL", "")
    return DashboardSettings(environment.get("LAKE_STAGE", "dev"), outputs, daily_bytes, hosts, endpoint)


def check_variables(environment: Mapping[str, str]) -> tuple[int, frozenset[str]]:
    """Return the day's bytes and the hosts, which whoever deploys can set. Raises DashboardSettingsError."""
    daily_bytes = _daily_bytes(environment.get("DASHBOARD_DAILY_BYTES", ""))
    return daily_bytes, frozenset(_hosts(environment.get("DASHBOARD_HOSTS", "")))


def _daily_bytes(text: str) -> int:
    if not text:
        return DAILY_BYTES
    if not (text.isascii() and text.isdecimal()) or int(text) < MIN_DAILY_BYTES:
        raise DashboardSettingsError(
            f"DASHBOARD_DAILY_BYTES is {text!r}: a number of bytes, at least {MIN_DAILY_BYTES:,} (one query)"
        )
    return int(text)


def _hosts(text: str) -> list[str]:
    hosts = [host.strip().lower() for host in text.split(",") if host.strip()]
    for host in hosts:
        if len(host) > 253 or not _HOST.fullmatch(host):
            raise DashboardSettingsError(
                f"DASHBOARD_HOSTS has {host!r}: names such as clicks.example.com, separated by commas"
            )
    return hosts
