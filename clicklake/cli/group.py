"""The `clicklake` command: one lazy group. A subcommand's module is imported only when it is called."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

from clicklake.cli.exits import exit_code_of, prepare_output


@dataclass(frozen=True)
class CommandEntry:
    """One subcommand: its place in the help, its module, and the first sentence of its own help."""

    section: str
    module: str
    summary: str


# The summaries are here so that `clicklake --help` imports none of the commands (DuckDB alone takes 0.3 s).
COMMANDS = {
    "run": CommandEntry("On this machine", "clicklake.local.command", "Run the whole cloud on this machine."),
    "demo": CommandEntry(
        "On this machine", "clicklake.demo.command", "Send a made-up day of clicks, and report it."
    ),
    "env": CommandEntry(
        "On this machine",
        "clicklake.local.shell_environment",
        "Print the local cloud's endpoint, region and keys.",
    ),
    "deploy": CommandEntry("On AWS", "clicklake.deploy.command:deploy", "Deploy a complete stage."),
    "undeploy": CommandEntry(
        "On AWS", "clicklake.deploy.command:undeploy", "Remove a stage; keep the data it collected."
    ),
    "dashboard-password": CommandEntry(
        "On AWS", "clicklake.deploy.dashboard.password", "Set the password of the dashboard on AWS."
    ),
    "status": CommandEntry("On AWS", "clicklake.status.command", "Show whether a stage is well."),
    "verify": CommandEntry("On AWS", "clicklake.verify.command", "Prove that a deployed stage works."),
    "cost": CommandEntry("On AWS", "clicklake.cost.command", "Print what a million clicks cost."),
    "dashboard": CommandEntry(
        "Read the lake", "clicklake.dashboard.command", "Show the clicks in the browser."
    ),
    "report": CommandEntry("Read the lake", "clicklake.report.command", "Write a report as one HTML file."),
    "query": CommandEntry(
        "Read the lake", "clicklake.query.command", "Ask the lake in SQL, or run a saved query."
    ),
    "mcp": CommandEntry("Read the lake", "clicklake.mcp.command", "Let an assistant ask the lake."),
    "tail": CommandEntry("Read the lake", "clicklake.tail.command", "Show clicks and failures as they land."),
    "reconcile": CommandEntry(
        "Keep the lake", "clicklake.reconcile.command", "Prove that no accepted click is missing."
    ),
    "compact": CommandEntry(
        "Keep the lake", "clicklake.compact.command", "Write closed hours as Parquet, each event once."
    ),
    "replay": CommandEntry(
        "Keep the lake", "clicklake.replay.command", "Put failed records back onto the delivery stream."
    ),
    "reenrich": CommandEntry(
        "Keep the lake", "clicklake.reenrich.command", "Enrich past clicks again from the raw envelopes."
    ),
    "visitor-id": CommandEntry(
        "Keep the lake", "clicklake.privacy.command", "Print a person's visitor number of one day."
    ),
    "erase": CommandEntry(
        "Keep the lake", "clicklake.erase.command", "Erase one person's clicks everywhere."
    ),
}


def _debug_option() -> click.Option:
    """Return --debug, which `exit_code_of` looks for; here it only has to be accepted and explained."""
    return click.Option(
        ["--debug"], is_flag=True, expose_value=False, help="Print the traceback of an error."
    )


class CommandGroup(click.Group):
    """A group that imports subcommands on demand, lists them by purpose, and ends every run alike."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, name = entry.module.partition(":")
        command: click.Command = getattr(import_module(module), name or "command")
        if not any("--debug" in param.opts for param in command.params):
            command.params.append(_debug_option())
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section in dict.fromkeys(entry.section for entry in COMMANDS.values()):
            with formatter.section(section):
                formatter.write_dl(
                    [(name, entry.summary) for name, entry in COMMANDS.items() if entry.section == section]
                )

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete subcommand names from the table: completion must not import every command."""
        names = [
            CompletionItem(name, help=entry.summary)
            for name, entry in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return names or click.Command.shell_complete(self, ctx, incomplete)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for word in args:
            if any("\ud800" <= character <= "\udfff" for character in word):
                raise click.UsageError(f"the argument {word!r} is not valid UTF-8", ctx)
        return super().parse_args(ctx, args)

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run a command and end the process with 0, 1, 2 or 130; see `exit_code_of`."""
        prepare_output()
        run: Callable[..., Any] = super().main
        sys.exit(exit_code_of(lambda: run(*args, standalone_mode=False, **extra)))


def _print_version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted:
        try:
            click.echo(f"clicklake {version('clicklake')}")
        except PackageNotFoundError:
            click.echo("clicklake (not installed: run `make cli` in the checkout)")
        ctx.exit()


@click.group(
    cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Print it."
)
def main() -> None:
    """Run, deploy, read and keep a Clicklake.

    --stage or --bucket selects the lake. It lies on AWS, or on this machine where AWS_ENDPOINT_URL
    points there.

    Exit codes: 0 success, 1 problems found (such as missing clicks), 2 the command failed, 130 interrupted.
    """


main.params.append(_debug_option())
