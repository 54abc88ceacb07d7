"""The AWS CLI, as a person runs it: each command is told before it runs."""

import logging
import shlex
import subprocess
import sys
from pathlib import Path

from clicklake.errors import CommandError

log = logging.getLogger("clicklake.deploy")

CLI = Path(sys.executable).with_name("aws")  # in the environment that runs us


class DeployError(CommandError):
    """A deploy step failed. The message says which, why and, where we know it, what to do."""


def aws(*arguments: str | Path, stdin: str = "") -> str:
    """What the command printed. Raises DeployError with what it complained of."""
    told = shlex.join(["aws", *map(str, arguments)])
    log.info("   $ %s", told)
    done = subprocess.run([CLI, *arguments], input=stdin, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise DeployError(f"{told}\n{done.stdout}{done.stderr}".strip())
    return done.stdout
