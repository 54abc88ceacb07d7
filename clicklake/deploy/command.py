"""`deploy` and `undeploy`: show which account is about to change, ask for confirmation, then do it."""

import logging
import os
import sys

import click

from clicklake.cli.console import print_json
from clicklake.cli.options import StageParam, json_option
from clicklake.deploy.aws import Aws
from clicklake.deploy.checks import check_settings
from clicklake.deploy.dashboard.function import check_dashboard
from clicklake.deploy.ingest import model_of
from clicklake.deploy.packaging.stage_settings import MODELS
from clicklake.deploy.plan import lines_of, make_plan
from clicklake.deploy.prerequisites import environment_python
from clicklake.deploy.settings import parse_settings
from clicklake.deploy.steps import check_prerequisites, deploy_stage
from clicklake.deploy.target import Target, find_target
from clicklake.deploy.undeploy import kept_buckets, undeploy_stage
from clicklake.errors import CommandError

stage_option = click.option(
    "--stage", required=True, type=StageParam(), help="Name of the stage, such as dev, production or alice."
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")


@click.command()
@click.argument("settings", nargs=-1, metavar="[Name=Value]...")
@stage_option
@click.option(
    "--like",
    type=click.Choice(MODELS),
    help="What a new stage is like: dev has a REST API, production an HTTP API for a third of the price."
    "  [default: dev]",
)
@click.option(
    "--dashboard",
    "with_dashboard",
    is_flag=True,
    help="Deploy the dashboard too. Later deployments update it without this option.",
)
@click.option("--plan", is_flag=True, help="Print what would change; change nothing.")
@json_option
@yes_option
def deploy(
    settings: tuple[str, ...],
    stage: str,
    like: str | None,
    with_dashboard: bool,
    plan: bool,
    as_json: bool,
    yes: bool,
) -> None:
    """Deploy a complete stage.

    The lake, the ingest app, the site and the alarms go into the account of your AWS credentials. Then one
    event is sent and looked for in S3. Name=Value sets a parameter of a template or a variable of the ingest
    app or the dashboard; docs/deploy.md lists them. A setting is kept until you change it. You can rerun the
    command: it applies only changes and resumes after an interruption.
    """
    aws = _aws(as_json=as_json)
    target = find_target(aws)
    parsed = parse_settings(aws, list(settings))
    check_prerequisites(target)
    model = model_of(aws, stage, like)
    check_settings(aws, stage, parsed)
    check_dashboard(parsed.dashboard)
    _show_target(target, stage, as_json=as_json)
    if plan:
        found = make_plan(target, stage, model, parsed, with_dashboard=with_dashboard)
        if as_json:
            functions = {name: code.document() for name, code in found.functions.items()}
            print_json({"stacks": found.stacks, "functions": functions, "settings": found.settings})
            return
        for line in lines_of(found):
            click.echo(line)
        return
    _confirm("Deploy there?", yes)
    deployed = deploy_stage(target, stage, model, parsed, with_dashboard=with_dashboard)
    if as_json:
        print_json(
            {
                "stage": stage,
                "account": target.account,
                "region": target.region,
                "site": deployed.site,
                "api": deployed.api,
                "bucket": deployed.bucket,
                "dashboard": deployed.dashboard,
                "landedSeconds": deployed.landed_seconds,
                "worstHourUsd": deployed.worst_hour_usd,
            }
        )


@click.command()
@stage_option
@json_option
@yes_option
def undeploy(stage: str, as_json: bool, yes: bool) -> None:
    """Remove a stage; keep the data it collected."""
    target = find_target(_aws(as_json=as_json))
    environment_python("ingest")  # Zappa's; raises DeployError if it is missing
    _show_target(target, stage, as_json=as_json)
    buckets = kept_buckets(target, stage)
    kept = "\n".join(f"   s3://{bucket}   {content}" for content, bucket in buckets.items()) or "   nothing"
    click.echo(f"\nThese buckets stay, and their storage is billed:\n{kept}\n", err=as_json)
    _confirm("Remove the rest?", yes)
    undeploy_stage(target, stage)
    if as_json:
        print_json({"stage": stage, "kept": buckets})
    else:
        click.echo(f"\nremoved. Still there:\n{kept}")


def _aws(*, as_json: bool) -> Aws:
    """Return AWS as the user's shell sees it, and log what is done to it: on stdout, or beside a document."""
    logging.basicConfig(stream=sys.stderr if as_json else sys.stdout, format="%(message)s", force=True)
    logging.getLogger("clicklake.deploy").setLevel(logging.INFO)
    return Aws(os.environ)


def _show_target(target: Target, stage: str, *, as_json: bool) -> None:
    kind = "an emulator on this machine" if target.is_emulator else "AWS"
    lines = (
        f"   stage      {stage}\n   account    {target.account}\n   region     {target.region}\n"
        f"   endpoint   {target.endpoint}   ({kind})"
    )
    click.echo(lines, err=as_json)


def _confirm(question: str, yes: bool) -> None:
    """Raise CommandError if the user declines, or if there is no terminal to ask."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError("not a terminal; pass --yes (make: YES=1)")
    click.echo(f"{question} [y/N] ", nl=False, err=True)
    if input().strip().lower() not in ("y", "yes"):
        raise CommandError("nothing was changed")
