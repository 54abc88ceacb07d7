"""The `clicklake` command: one lazy group. A subcommand's module is imported only when it is called."""

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

import click
from click.shell_completion import CompletionItem

from clicklake.errors import explain_aws_errors


@dataclass(frozen=True)
class Entry:
    """One subcommand: its place in the help, its module, and the first sentence of its own help."""

    section: str
    module: str
    summary: str


# The summaries stand here so that `clicklake --help` imports none of the commands (DuckDB alone takes 0.3 s).
COMMANDS = {
    "run": Entry("On this machine", "clicklake.local.command", "Run the whole cloud on this machine."),
    "demo": Entry(
        "On this machine", "clicklake.demo.command", "Send a made-up day of clicks, and report it."
    ),
    "deploy": Entry("On AWS", "clicklake.deploy.command:deploy", "Deploy a complete stage."),
    "undeploy": Entry(
        "On AWS", "clicklake.deploy.command:undeploy", "Remove a stage; keep the data it collected."
    ),
    "cost": Entry("On AWS", "clicklake.cost.command", "Print what a million clicks cost."),
    "report": Entry("Read the lake", "clicklake.report.command", "Write a report as one HTML file."),
    "query": Entry("Read the lake", "clicklake.query.command", "Ask the lake in SQL, or run a saved query."),
    "tail": Entry("Read the lake", "clicklake.tail.command", "Show clicks and failures as they land."),
    "reconcile": Entry(
        "Keep the lake", "clicklake.reconcile.command", "Prove that no accepted click is missing."
    ),
    "replay": Entry(
        "Keep the lake", "clicklake.replay.command", "Put failed records back onto the delivery stream."
    ),
    "reenrich": Entry(
        "Keep the lake", "clicklake.reenrich.command", "Enrich past clicks again from the raw envelopes."
    ),
    "visitor-id": Entry(
        "Keep the lake", "clicklake.privacy.command", "Print a person's visitor number of one day."
    ),
    "erase": Entry("Keep the lake", "clicklake.erase.command", "Erase one person's clicks everywhere."),
}


class CommandGroup(click.Group):
    """A group that imports a subcommand on demand and lists the subcommands by purpose."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, name = entry.module.partition(":")
        command: click.Command = getattr(import_module(module), name or "command")
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

    def invoke(self, ctx: click.Context) -> object:
        with explain_aws_errors():
            return super().invoke(ctx)


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

    Exit codes: 0 success, 1 problems found (such as missing clicks), 2 the command failed.
    """
