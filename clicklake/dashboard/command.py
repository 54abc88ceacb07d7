"""`dashboard`: show a lake's clicks in the browser, on this machine alone."""

import logging
import signal
import webbrowser
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import click
import waitress

from clicklake.cli.console import OUT, print_json
from clicklake.cli.options import json_option, lake_options
from clicklake.dashboard.access.token_gate import TokenGate, new_token
from clicklake.dashboard.answers.contract import Answers
from clicklake.dashboard.app import create_app
from clicklake.dashboard.deployed.settings import DAILY_BYTES, MIN_DAILY_BYTES
from clicklake.errors import CommandError
from clicklake.lake.bucket import Lake
from clicklake.query.engines import engine_name_options
from clicklake.tables.schema import line_table

HOST = "127.0.0.1"
THREADS = 8  # panels that are read at once, and a few for the page itself
MAX_REQUEST_BYTES = 65_536  # there are only GET requests


@click.command()
@lake_options
@click.option("--port", default=4569, show_default=True, help="The port on 127.0.0.1; 0: any free one.")
@engine_name_options
@click.option(
    "--daily-bytes",
    default=DAILY_BYTES,
    show_default=True,
    type=click.IntRange(MIN_DAILY_BYTES),
    help="What Athena's queries for dashboards of this lake may read in a day (UTC).",
)
@click.option("--token", envvar="CLICKLAKE_DASHBOARD_TOKEN", hidden=True, help="The key of the page.")
@click.option("--open", "is_opened", is_flag=True, help="Open it in the browser.")
@json_option
def command(
    lake: Lake,
    port: int,
    engine_name: str,
    daily_bytes: int,
    lines_only: bool,
    token: str | None,
    is_opened: bool,
    as_json: bool,
) -> None:
    """Show the clicks in the browser.

    Runs until Ctrl-C. Only whoever has the printed address can see the page: it holds a random key.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    answers = (
        _athena_answers(lake, daily_bytes, lines_only=lines_only)
        if engine_name == "athena"
        else _duckdb_answers(lake, lines_only=lines_only)
    )
    server = open_server(lake, answers, port, token)
    address = f"http://{HOST}:{server.effective_port}/"
    if token is None:  # a given one is known to whoever started us, and has no place in a log
        address += f"?token={server.gate.token}"
    if as_json:
        print_json({"dashboard": address})
    else:
        OUT.print(f"dashboard  {address}\n\nCtrl-C stops it.", soft_wrap=True)
    if is_opened:
        webbrowser.open(address)
    with suppress(KeyboardInterrupt):
        server.run()
    server.close()
    answers.close()


def _duckdb_answers(lake: Lake, *, lines_only: bool) -> Answers:
    from clicklake.dashboard.answers.duckdb_answers import DuckdbAnswers

    return DuckdbAnswers(lake, line_table(lake).attributes, _clock, lines_only=lines_only)


def _athena_answers(lake: Lake, daily_bytes: int, *, lines_only: bool) -> Answers:
    from clicklake.dashboard.answers.athena_answers import AthenaAnswers

    return AthenaAnswers(lake, _clock, daily_bytes=daily_bytes, lines_only=lines_only)


def _clock() -> datetime:
    return datetime.now(UTC)


def open_server(lake: Lake, answers: Answers, port: int, token: str | None) -> Any:
    try:
        server: Any = waitress.create_server(
            _not_yet,
            host=HOST,
            port=port,
            threads=THREADS,
            max_request_body_size=MAX_REQUEST_BYTES,
            ident=None,
            clear_untrusted_proxy_headers=True,
        )
    except OSError as error:
        raise CommandError(f"--port {port}: {error.strerror}") from error
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # panels that wait for a thread are usual
    server.gate = TokenGate(server.effective_port, token or new_token())
    server.application = create_app(answers, server.gate.check, f"--bucket {lake.bucket}")
    return server


def _not_yet(_: Any, __: Any) -> Any:
    """Stand in until the port is known: the key's cookie is named by it."""
    raise AssertionError
