"""`env`: print what a shell needs to work with the local cloud."""

import os
import shlex
from pathlib import Path

import click

from clicklake.cli.checkout import ROOT
from clicklake.cli.console import print_json
from clicklake.cli.options import json_option
from clicklake.errors import CommandError
from clicklake.lake.loopback import without_proxy
from clicklake.local.addresses import LocalKeys, read_addresses

FOREIGN = ("AWS_PROFILE", "AWS_SESSION_TOKEN")  # of the shell's own account; they do not fit these keys


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / ".run",
    help="The folder that `clicklake run` uses.  [default: .run in the checkout]",
)
@json_option
def command(folder: Path, as_json: bool) -> None:
    """Print the local cloud's endpoint, region and keys.

    Use it as: eval "$(.run/bin/clicklake env)". After that, clicklake and aws work with the local cloud in
    this shell.
    """
    addresses = read_addresses(folder)
    if addresses is None:
        raise CommandError(f"no local cloud runs in {folder}: start it with `make run`")
    keys = LocalKeys(addresses["accessKeyId"], addresses["secretAccessKey"])
    variables = keys.environment(addresses["s3"])
    if as_json:
        print_json(variables)
        return
    changed = {
        name: value for name, value in without_proxy(os.environ).items() if os.environ.get(name) != value
    }
    click.echo(f"unset {' '.join(FOREIGN)}")
    for name, value in (variables | changed | _path()).items():
        click.echo(f"export {name}={shlex.quote(value)}")


def _path() -> dict[str, str]:
    """Return PATH with the checkout's commands first, unless it has them already."""
    commands, path = str(ROOT / ".run" / "bin"), os.environ.get("PATH", os.defpath)
    return {} if commands in path.split(os.pathsep) else {"PATH": f"{commands}{os.pathsep}{path}"}
