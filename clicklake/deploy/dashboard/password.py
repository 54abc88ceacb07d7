"""`dashboard-password`: set the password of a stage's dashboard, which ends all its sessions and links."""

import getpass
import sys
from datetime import UTC, datetime

import click

from clicklake.cli.console import OUT, print_json
from clicklake.cli.options import json_option, lake_options
from clicklake.dashboard.access import attempts, password
from clicklake.dashboard.shared_state import FOLDER, SharedState, StateConflictError
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake


@click.command()
@lake_options
@json_option
def command(lake: Lake, as_json: bool) -> None:
    """Set the password of the dashboard on AWS.

    Asks for it twice, or reads the first line of stdin where that is not a terminal. It needs 12 to 256
    characters. Its hash and a new signing key go into dashboard/password.json of the lake, so all sessions
    and share links end. The pause after wrong tries ends too.
    """
    document = password.password_document(_ask(), datetime.now(UTC))
    state = SharedState(lake)
    try:
        state.change(password.NAME, lambda _: document)
        state.change(attempts.NAME, lambda _: {"tries": []})
    except StateConflictError as error:
        where = f"s3://{lake.bucket}/{FOLDER}{error}"
        raise CommandError(f"{where} is changed again and again by others; run this command again") from error
    if as_json:
        print_json({"bucket": lake.bucket, "changedAt": document["changedAt"]})
    else:
        OUT.print(f"The password is set in s3://{lake.bucket}. All sessions and links have ended.")


def _ask() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    given = getpass.getpass("New password: ")
    if getpass.getpass("Repeat it: ") != given:
        raise CommandError("the two passwords are different; nothing was changed")
    return given
