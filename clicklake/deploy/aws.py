"""One AWS account, region and endpoint: boto3's clients and the AWS CLI, both made from one environment.

The environment is a value, not the process's own: `clicklake deploy` passes os.environ, and `clicklake run`
passes a mapping that can only lead to its emulator.
"""

import logging
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.session import Session

from clicklake.errors import CommandError
from clicklake.lake.loopback import new_client, without_proxy

log = logging.getLogger("clicklake.deploy")

# -P keeps the current folder off sys.path. The script `aws` is not used: its first line holds the path of the
# environment, which does not work if that path has a space (github.com/pypa/pip/issues/13389).
AWS_CLI = (sys.executable, "-P", "-m", "awscli")

_NAMES_AN_ERROR = re.compile(r"\b(\w*error|\w*exception|failed)\b", re.IGNORECASE)


class DeployError(CommandError):
    """A deployment step failed. The message says in one line which, why and, if we know, what to do."""


@dataclass(frozen=True)
class Aws:
    """AWS as seen from an environment: its credentials, region, profile and endpoints."""

    environment: Mapping[str, str]

    @cached_property
    def session(self) -> boto3.Session:
        core = Session(session_vars=dict(_session_variables(self.environment)))
        key, secret = (self.environment.get(f"AWS_{name}") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
        if key and secret:
            core.set_credentials(key, secret, self.environment.get("AWS_SESSION_TOKEN"))
        return boto3.Session(botocore_session=core)

    @property
    def region(self) -> str | None:
        region: str | None = self.session.region_name
        return region

    def client(self, service: str) -> Any:
        """Return a boto3 client of the service, as boto3.client() returns it in this environment."""
        if service not in self._clients:
            self._clients[service] = self._new_client(service)
        return self._clients[service]

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}

    def _new_client(self, service: str) -> Any:
        specific = f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}"
        url = self.environment.get(specific) or self.environment.get("AWS_ENDPOINT_URL")
        return new_client(service, self.session.client, endpoint_url=url or None)

    def cli(self, *arguments: str | Path, stdin: str = "") -> str:
        """Run an AWS CLI command in this environment and return its output. The command is logged first.

        Raises DeployError with the command's own reason. The rest of its output is logged.
        """
        shown = shlex.join(["aws", *map(str, arguments)])
        log.info("   $ %s", shown)
        return run_tool([*AWS_CLI, *arguments], shown, self.environment, stdin=stdin)


def run_tool(
    command: list[str | Path],
    shown: str,
    environment: Mapping[str, str],
    *,
    cwd: Path | None = None,
    stdin: str = "",
) -> str:
    """Run another program and return its output. Raises DeployError, which calls the command `shown`."""
    done = subprocess.run(  # noqa: S603 (the AWS CLI and Zappa of our own environments)
        command,
        cwd=cwd,
        env=without_proxy(environment),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        output = f"{done.stdout}{done.stderr}".strip()
        log.error("%s", output)
        raise DeployError(f"{shown}: {_reason(output) or f'exit code {done.returncode}'}")
    return done.stdout


def _reason(output: str) -> str:
    """Return the last line that names an error, or else the last line.

    (Zappa prints a greeting below its traceback.)
    """
    lines = [line.strip() for line in output.splitlines()]
    errors = [line for line in lines if _NAMES_AN_ERROR.search(line)]
    return (errors or lines or [""])[-1]


def _session_variables(environment: Mapping[str, str]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield botocore's settings with the values of `environment` instead of those of os.environ."""
    for name, (config, variables, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items():
        names = [variables] if isinstance(variables, str) else variables or []
        value = next((environment[variable] for variable in names if variable in environment), None)
        yield name, (config, None, default, convert) if value is None else (None, None, value, convert)
