"""`python -m ops`: one group; each command has a module of its own, imported when it is asked for."""

from importlib import import_module

import click

from ops.errors import told

# Each is the name of the module in this package that holds it as `command`.
COMMANDS = ("demo", "report", "query", "reconcile", "replay", "reenrich", "erase", "tail", "cost")


class LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"ops.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> object:
        with told():
            return super().invoke(ctx)


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
def main() -> None:
    """Operate a Clicklake: which lake is said by --stage (its stack's) or --bucket, on AWS or, where
    AWS_ENDPOINT_URL points there, on this machine.

    Exit codes: 0 all is well, 1 something was found (such as missing clicks), 2 it could not be done.
    """


if __name__ == "__main__":
    main(prog_name="python -m ops")
