"""The two query engines, and the option that chooses one."""

from collections.abc import Callable
from datetime import tzinfo
from typing import Any, TypeVar

import click

from clicklake.lake.bucket import Lake
from clicklake.lake.partitions import Span
from clicklake.query.queries import Queries, QueryResults

F = TypeVar("F", bound=Callable[..., Any])
QueryEngine = Callable[[Lake, Span, Queries, tzinfo], QueryResults]


def engine_option(command: F) -> F:
    """Add --engine; the command receives `engine`."""
    return click.option(
        "--engine",
        type=click.Choice(["duckdb", "athena"]),
        default="duckdb",
        show_default=True,
        callback=lambda ctx, option, name: _load(name),
        help="duckdb reads the lake's objects on this machine; athena runs in AWS, billed per TB scanned.",
    )(command)


def _load(name: str) -> QueryEngine:
    if name == "athena":
        from clicklake.query import athena_engine

        return athena_engine.run_queries
    from clicklake.query import duckdb_engine

    return duckdb_engine.run_queries
