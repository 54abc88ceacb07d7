"""`python -m deploy up|down`: say what is about to be touched, ask, then do it."""

import argparse
import logging
import sys

from botocore.exceptions import BotoCoreError, ClientError

from deploy.aws import DeployError
from deploy.down import buckets_of, undeploy_stage
from deploy.ingest import stages
from deploy.settings import parse_settings
from deploy.target import Target, find_target
from deploy.up import deploy_stage


def main() -> int:
    options = _parse_options()
    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    logging.getLogger("deploy").setLevel(logging.INFO)
    try:
        target = find_target()
        if options.command == "up":
            return _up(target, options)
        return _down(target, options)
    except (DeployError, BotoCoreError, ClientError) as error:
        print(f"clicklake: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return 130


def _up(target: Target, options: argparse.Namespace) -> int:
    settings = parse_settings(options.setting)
    _tell(target, options.stage)
    if not _confirmed("Deploy there?", options.yes):
        return 2
    deploy_stage(target, options.stage, settings)
    return 0


def _down(target: Target, options: argparse.Namespace) -> int:
    _tell(target, options.stage)
    buckets = buckets_of(target, options.stage)
    kept = "\n".join(f"   s3://{bucket}   {what}" for what, bucket in buckets.items()) or "   nothing"
    print(f"\nThis stays, and costs what it holds:\n{kept}\n", flush=True)
    if not _confirmed("Take the rest of it away?", options.yes):
        return 2
    undeploy_stage(target, options.stage)
    print(f"\ngone, but for\n{kept}")
    return 0


def _tell(target: Target, stage: str) -> None:
    what = "an emulator on this machine" if target.is_emulator else "AWS"
    print(f"   stage      {stage}\n   account    {target.account}\n   region     {target.region}")
    print(f"   endpoint   {target.endpoint}   ({what})", flush=True)


def _confirmed(question: str, yes: bool) -> bool:
    if yes:
        return True
    if not sys.stdin.isatty():
        print("clicklake: nobody is here to ask; say --yes (make: YES=1)", file=sys.stderr)
        return False
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up, down = commands.add_parser("up"), commands.add_parser("down")
    for command in (up, down):
        command.add_argument("--stage", required=True, choices=stages(), help="of zappa_settings.json")
        command.add_argument("--yes", action="store_true", help="do not ask")
    up.add_argument("setting", nargs="*", metavar="Name=Value", help="see docs/deploy.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
