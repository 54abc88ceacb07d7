"""The two engines that answer questions, and the option that chooses one."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ops.hours import Span
from ops.lake import Lake
from ops.questions import Answers, Questions

F = TypeVar("F", bound=Callable[..., Any])
Ask = Callable[[Lake, Span, Questions], Answers]


def engine_option(command: F) -> F:
    """--engine; the command is handed `ask`."""
    return click.option(
        "--engine",
        "ask",
        type=click.Choice(["duckdb", "athena"]),
        default="duckdb",
        show_default=True,
        callback=lambda ctx, option, name: _load(name),
        help="duckdb reads the lake's objects on this machine; athena reads them where they are, for money.",
    )(command)


def _load(name: str) -> Ask:
    if name == "athena":
        from ops import on_athena

        return on_athena.ask
    from ops import on_duckdb

    return on_duckdb.ask
