"""The two engines that answer questions, and the option that chooses one."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import Span
from clicklake.query.queries import Answers, Questions

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
        from clicklake.query import athena_engine

        return athena_engine.ask
    from clicklake.query import duckdb_engine

    return duckdb_engine.ask
