"""`verify`: prove a deployed stage, from its public address to its alarms."""

import json
import logging
import os
import signal
import sys
from pathlib import Path

import click

from clicklake import __version__
from clicklake.cli.checkout import ROOT
from clicklake.cli.console import ERR, print_json
from clicklake.cli.options import StageParam, json_option
from clicklake.cli.sanitize import for_terminal
from clicklake.deploy.aws import Aws
from clicklake.deploy.target import find_target
from clicklake.errors import CommandError
from clicklake.verify.document import to_json, to_markdown
from clicklake.verify.processor_settings import ProcessorSettingsKeeper
from clicklake.verify.rows import Recorder, VerifiedRow
from clicklake.verify.stage import StageUnderTest, find_stage
from clicklake.verify.verification import VerifyOptions, verify_stage

MARKS = {"ok": "ok     ", "failed": "FAILED ", "skipped": "skipped"}


@click.command()
@click.option(
    "--stage", required=True, type=StageParam(), help="Name of the stage, such as dev, production or alice."
)
@click.option("--api", help="The public address, if Zappa did not deploy it.  [default: the stage's API]")
@click.option("--item", help="An id of your catalogue, which the catalogue must find.")
@click.option("--harmless", is_flag=True, help="Leave out the checks that break something or send email.")
@click.option(
    "--keep-events", is_flag=True, help="Do not erase the events at the end: that reads the whole bucket."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The folder for the JSON and the Markdown file.  [default: this folder]",
)
@click.option(
    "--dashboard-password",
    envvar="CLICKLAKE_DASHBOARD_PASSWORD",
    help="To log in to the dashboard; better in the variable CLICKLAKE_DASHBOARD_PASSWORD.",
)
@json_option
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def command(
    stage: str,
    api: str | None,
    item: str | None,
    harmless: bool,
    keep_events: bool,
    out: Path,
    dashboard_password: str | None,
    as_json: bool,
    yes: bool,
) -> None:
    """Prove that a deployed stage works.

    Sends marked events through the public address, and follows them to their lines, to failed/ and back, to
    Parquet, through the saved questions on both engines, and out of the lake again. It breaks the processor
    for some minutes, raises each alarm once, and puts both back. Prints a table, and writes it as JSON and as
    Markdown. Exits with 1 if a check failed.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    logging.getLogger("clicklake.deploy").setLevel(logging.WARNING)
    target = find_target(Aws(os.environ))
    found = find_stage(target, stage, api, item)
    where = "an emulator on this machine" if target.is_emulator else f"AWS, {target.region}"
    _check_folder(out)
    _confirm(found, where, harmless=harmless, erases=not keep_events, yes=yes)
    processor = ProcessorSettingsKeeper(
        target.aws.client("lambda"), found.processor, _file_of(target.account, target.region, stage)
    )
    if processor.restore_left_over():
        ERR.print("An earlier run was killed while the processor was broken. The processor is put back.")
    recorder = Recorder(_show_row)
    options = VerifyOptions(
        breaks=not harmless, erases=not keep_events, dashboard_password=dashboard_password
    )
    try:
        verify_stage(found, processor, recorder, options)
    finally:
        document = to_json(stage, where, __version__, found.started, recorder.rows)
        files = _write(document, out)
    if as_json:
        print_json(document)
    ERR.print(f"\n{len(recorder.rows)} checks, {recorder.failures} failed; written to {' and '.join(files)}")
    if recorder.failures:
        raise SystemExit(1)


def _file_of(account: str, region: str, stage: str) -> Path:
    return ROOT / ".run" / "verify" / f"{account}-{region}-{stage}.json"


def _confirm(stage: StageUnderTest, where: str, *, harmless: bool, erases: bool, yes: bool) -> None:
    """Say what will happen to the stage. Raises CommandError if the user declines, or cannot be asked."""
    ERR.print(f"stage {stage.name} at {stage.api} ({where})", soft_wrap=True)
    ERR.print(f"The events have the user id {stage.mark} and count as a bot's.")
    if not harmless:
        ERR.print(
            "This breaks the processor twice, for some minutes each. Clicks of visitors that arrive meanwhile"
            " land later, or without their item's attributes (clicklake reenrich adds them). Each alarm is"
            " raised once, and sends email. --harmless leaves all this out.",
            soft_wrap=True,
        )
    if erases:
        ERR.print("At the end, the events are erased. That reads the whole bucket; --keep-events keeps them.")
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError("not a terminal; pass --yes")
    click.echo("Verify it? [y/N] ", nl=False, err=True)
    if input().strip().lower() not in ("y", "yes"):
        raise CommandError("nothing was changed")


def _show_row(row: VerifiedRow) -> None:
    text = f"{MARKS[row.outcome]}  {row.seconds:7.1f} s  {for_terminal(row.what)}: {for_terminal(row.seen)}"
    if row.outcome == "failed":
        text += f" (expected: {for_terminal(row.expected)})"
    ERR.print(text, soft_wrap=True)


def _check_folder(out: Path) -> None:
    if not os.access(out, os.W_OK):
        raise CommandError(f"--out {out}: not a folder that can be written to")


def _write(document: dict[str, object], out: Path) -> list[str]:
    """Write both files, and return their paths."""
    at = str(document["startedAt"]).replace(":", "").rstrip("Z")
    name = f"clicklake-verify-{document['stage']}-{at}"
    contents = {
        out / f"{name}.json": json.dumps(document, indent=2) + "\n",
        out / f"{name}.md": to_markdown(document),
    }
    for file, text in contents.items():
        file.write_text(text, encoding="utf-8")
    return [str(file) for file in contents]
