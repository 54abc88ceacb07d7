"""The tools that an assistant sees. What they do is in questions.py; the protocol is the SDK's."""

from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, ParamSpec

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from clicklake.cli.sanitize import for_terminal
from clicklake.errors import CommandError, explain_aws_errors
from clicklake.lake.object_stream import UnreadableObjectError
from clicklake.mcp.questions import DEFAULT_ROWS, MAX_ROWS, STRANGERS, LakeQuestions

P = ParamSpec("P")

INSTRUCTIONS = (
    "Clicks on a website, from its owner's own data lake. Find a saved question with list_questions and run"
    " it with ask_question; write SQL only if none fits, after describe_tables. Visitors are counted per day:"
    " a person who comes on two days counts twice, and nobody can say who came back. " + STRANGERS
)
MAX_ERROR_CHARACTERS = 500
READ_ONLY = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)

Since = Annotated[
    str | None, Field(description="First day or time, 2026-11-24 or 2026-11-24T05:00. Default: yesterday.")
]
Until = Annotated[
    str | None, Field(description="Last day (whole), or the time to stop before. Default: now.")
]
Timezone = Annotated[str, Field(description="Zone of days and hours, such as Europe/Berlin.")]
Limit = Annotated[int, Field(description=f"At most so many rows, 1 to {MAX_ROWS}.")]
Filters = Annotated[
    tuple[str, ...],
    Field(description="dimension:value, such as country:DE; !country:DE excludes. All must hold."),
]
Compare = Annotated[
    str, Field(description="Ask about an earlier span too: previous, week (same weekdays), year or none.")
]


def create_server(questions: LakeQuestions) -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer("clicklake", instructions=INSTRUCTIONS, log_level="ERROR")

    def tool(work: Callable[P, dict[str, Any]]) -> Callable[P, dict[str, Any]]:
        @server.tool(annotations=READ_ONLY)
        @wraps(work)
        def with_errors(*args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
            try:
                with explain_aws_errors():
                    return work(*args, **kwargs)
            except (CommandError, UnreadableObjectError) as error:
                # DuckDB's can quote a stranger's text, such as one that is not a number.
                raise ToolError(for_terminal(str(error))[:MAX_ERROR_CHARACTERS]) from error

        return with_errors

    @tool
    def list_questions() -> dict[str, Any]:
        """List the saved questions, each with what it answers."""
        return questions.saved()

    @tool
    def ask_question(
        name: str,
        since: Since = None,
        until: Until = None,
        timezone: Timezone = "UTC",
        filters: Filters = (),
        compare: Compare = "none",
        limit: Limit = DEFAULT_ROWS,
    ) -> dict[str, Any]:
        """Run a saved question."""
        return questions.ask(name, since, until, timezone, filters, compare, limit)

    @tool
    def query_sql(
        sql: str,
        since: Since = None,
        until: Until = None,
        timezone: Timezone = "UTC",
        limit: Limit = DEFAULT_ROWS,
    ) -> dict[str, Any]:
        """Run one select in Athena's SQL over human_events, events, lines or failed. Read-only."""
        return questions.sql(sql, since, until, timezone, limit)

    @tool
    def describe_tables() -> dict[str, Any]:
        """Describe the tables for query_sql: their columns, types and meanings."""
        return questions.tables()

    @tool
    def stage_status() -> dict[str, Any]:
        """Show whether the stage is well: delivery, failures, last reconciliation, alarms, cost, versions."""
        return questions.status()

    return server
