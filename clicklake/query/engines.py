"""The two query engines, and the option that chooses one."""

import math
from collections.abc import Callable
from datetime import tzinfo
from functools import partial, wraps
from typing import Any, Protocol, TypeVar

import click

from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import Span
from clicklake.query.queries import Queries, QueryResults

F = TypeVar("F", bound=Callable[..., Any])


class QueryEngine(Protocol):
    """Answers queries about a span. Raises CommandError."""

    def __call__(
        self, lake: Lake, span: Span, queries: Queries, zone: tzinfo, *, query_seconds: float = math.inf
    ) -> QueryResults: ...


def engine_name_options(command: F) -> F:
    """Add --engine and --lines; the command receives `engine_name` and `lines_only`."""
    lines = click.option(
        "--lines", "lines_only", is_flag=True, help="Read the lines in clicks/ alone, not the columns."
    )
    engine = click.option(
        "--engine",
        "engine_name",
        type=click.Choice(["duckdb", "athena"]),
        default="duckdb",
        show_default=True,
        help="duckdb reads the lake's objects on this machine; athena runs in AWS, billed per TB scanned.",
    )
    return engine(lines(command))


def engine_option(command: F) -> F:
    """Add the same two options; the command receives the `engine` itself."""

    @engine_name_options
    @wraps(command)
    def with_engine(*args: Any, engine_name: str, lines_only: bool, **kwargs: Any) -> Any:
        return command(*args, engine=partial(_load(engine_name), lines_only=lines_only), **kwargs)

    return with_engine  # type: ignore[return-value]


def _load(name: str) -> Callable[..., QueryResults]:
    if name == "athena":
        from clicklake.query import athena_engine

        return athena_engine.run_queries
    from clicklake.query import duckdb_engine

    return duckdb_engine.run_queries
