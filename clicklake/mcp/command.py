"""`mcp`: let an assistant ask the lake, over the Model Context Protocol."""

import click

from clicklake.cli.options import FiniteRange, lake_options
from clicklake.lake.bucket import Lake
from clicklake.mcp.budget import DEFAULT_GIGABYTES, Budget
from clicklake.mcp.questions import LakeQuestions
from clicklake.query.engines import QueryEngine, engine_option


@click.command()
@lake_options
@engine_option
@click.option(
    "--budget-gb",
    type=FiniteRange(min=0, min_open=True, max=1_000_000),
    default=DEFAULT_GIGABYTES,
    show_default=True,
    help="The questions of one session may read so many GB of the lake.",
)
def command(lake: Lake, engine: QueryEngine, budget_gb: float) -> None:
    """Let an assistant ask the lake.

    Speaks the Model Context Protocol over stdin and stdout; an assistant's settings start it. It can only
    read: saved questions, SQL, the tables' columns, and the status of the stage.
    """
    from clicklake.mcp.server import create_server  # the protocol's SDK takes half a second to import

    create_server(LakeQuestions(lake, engine, Budget(budget_gb))).run("stdio")
