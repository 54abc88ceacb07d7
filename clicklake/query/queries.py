"""SQL in Athena's dialect: the saved queries in sql/, and the queries that people write."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp

from clicklake.errors import CommandError
from clicklake.lake.partitions import Span
from clicklake.query.local_time import in_zone
from clicklake.tables.schema import landed_in

DIALECT = "athena"
FOLDER = Path(__file__).with_name("sql")
NAMES = tuple(sorted(file.stem for file in FOLDER.glob("*.sql")))

TABLES = ("lines", "events", "human_events", "hourly_events", "failed")
"""Those that a query may name."""

_VIEWS = sqlglot.parse_one(
    Path(__file__).with_name("views.sql").read_text(), dialect=DIALECT, into=exp.Select
)

Queries = Mapping[str, exp.Query]


@dataclass(frozen=True)
class QueryResult:
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each row as a mapping of column names to values."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)


@dataclass(frozen=True)
class QueryResults:
    """Results by the query's name, and notes that whoever reads them should see."""

    by_name: dict[str, QueryResult]
    notes: tuple[str, ...] = ()


def saved_query(name: str) -> exp.Query:
    return parse_query((FOLDER / f"{name}.sql").read_text())


def find_query(text: str) -> exp.Query:
    """Return the saved query of that name, or parse the SQL. Raises CommandError, naming similar queries."""
    word = text.strip()
    is_name = word.replace("_", "").replace("-", "").isalnum()
    return named_query(word) if is_name else parse_query(text)


def named_query(name: str) -> exp.Query:
    """Return the saved query of that name. Raises CommandError, naming similar ones."""
    if name in NAMES:
        return saved_query(name)
    close = get_close_matches(name.lower(), NAMES, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"the saved queries are {', '.join(NAMES)}"
    raise CommandError(f"there is no saved query {name}; {hint}")


def parse_query(sql: str) -> exp.Query:
    """Parse one `select`. Raises CommandError for anything else."""
    if "\0" in sql:  # where the parsers would stop
        raise CommandError("invalid SQL: it has a NUL character")
    try:
        statements = sqlglot.parse(sql, dialect=DIALECT)
    except sqlglot.errors.SqlglotError as error:
        details = (getattr(error, "errors", None) or [{}])[0]
        where = f" at line {details['line']}" if "line" in details else ""
        raise CommandError(f"invalid SQL: {details.get('description') or error}{where}") from error
    except RecursionError:
        raise CommandError("invalid SQL: it is nested too deeply") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise CommandError("pass one query: a select")
    return statements[0]


def view_definitions(
    zone: tzinfo,
    span: Span,
    columns: Collection[str] = (),
    *,
    from_lines: bool = True,
    from_columns: bool = False,
) -> dict[str, exp.Query]:
    """Return the views, each built from those before it. `local_time` is a time of the zone.

    `columns` are those of stored_lines and stored_events that the queries need. The view landed_events unites
    the two tables, or reads the one that there is.
    """
    landed: exp.Expression = exp.maybe_parse(landed_in(span) or "true", dialect=DIALECT)
    stored = [exp.column(name) for name in columns]

    def fill_in(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Anonymous) and node.name.lower() == "in_zone":
            return in_zone(node.expressions[0].name, zone, span)
        if isinstance(node, exp.Column) and node.name == "landed_in_span":
            return landed.copy()
        if isinstance(node, exp.Select) and node.expressions[0].name == "stored_columns":
            node.set("expressions", [*(column.copy() for column in stored), *node.expressions[1:]])
        return node

    views = {cte.alias: cte.this.transform(fill_in) for cte in _VIEWS.ctes}
    united = views["landed_events"]
    if not from_columns:
        views["landed_events"] = united.this
    elif not from_lines:
        views["landed_events"] = united.expression
    return views


def needed_views(query: exp.Query, views: Mapping[str, exp.Query]) -> dict[str, exp.Query]:
    """Return those of the views that the query reads, or that such a view is built from, in their order."""
    needed = referenced_tables([query])
    for name, view in reversed([*views.items()]):
        if name in needed:
            needed |= referenced_tables([view])
    return {name: view for name, view in views.items() if name in needed}


def referenced_tables(queries: Iterable[exp.Query]) -> set[str]:
    return {table.name.lower() for query in queries for table in query.find_all(exp.Table)}


def check_tables(query: exp.Query) -> None:
    """Raise CommandError for a table that is neither one of ours nor a `with` of the query.

    DuckDB has tables of its own, which name files of this machine. Athena has those of other databases.
    """
    for table in query.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            function = table.this.sql(DIALECT).partition("(")[0].lower()
            raise CommandError(f"the table function {function} is not supported")
        is_ours = not table.db and (table.name.lower() in TABLES or _names_with(table))
        if not is_ours:
            name = ".".join(part.name for part in table.parts)
            raise CommandError(f"there is no table {name}; the tables are {', '.join(TABLES)}")


def _names_with(table: exp.Table) -> bool:
    """Return whether the table is a `with` that is in scope where it is read."""
    name, node = table.name.lower(), table.parent
    below: exp.Expr = table
    while node is not None:
        scope: list[exp.Expr] = []
        if isinstance(node, exp.With):  # those before it; itself only where a recursive one repeats
            scope = node.expressions[: [*map(id, node.expressions)].index(id(below))]
        elif isinstance(node, exp.SetOperation) and isinstance(node.parent, exp.CTE) and node.parent.parent:
            is_repeated = node.parent.parent.args.get("recursive") and below is node.expression
            scope = [node.parent] if is_repeated else []
        if (found := node.args.get("with_")) is not None and found is not below:
            scope += found.expressions
        if any(cte.alias.lower() == name for cte in scope):
            return True
        below, node = node, node.parent
    return False


def referenced_columns(queries: Collection[exp.Query], known: Collection[str]) -> list[str]:
    """Return the known columns that the queries or the views mention; all of them for `select *`."""
    named = {name for query in (*queries, _VIEWS) for name in _names_of(query)}
    if any(_has_star(query) or _depends_on_every_column(query) for query in queries):
        return list(known)
    return [name for name in known if name in named]


def named_columns(query: exp.Query, known: Collection[str]) -> set[str]:
    """Return the known columns that the result of the query depends on; all of them for `select *`.

    A `from (select * from …)`, as a filter writes it, depends on those that the query around it names.
    """
    return set(known) if _depends_on_every_column(query) else _names_of(query) & set(known)


def _depends_on_every_column(query: exp.Query) -> bool:
    """Return whether other columns in the tables could change the result, though the query names none."""
    stars = (star for star in query.find_all(exp.Star) if not _is_of_count(star) and not _is_of_source(star))
    joins = (join for join in query.find_all(exp.Join) if join.method == "NATURAL")
    # `events as e(a, b)` names columns by their place.
    renamed = (
        alias
        for alias in query.find_all(exp.TableAlias)
        if alias.columns and isinstance(alias.parent, exp.Table | exp.Subquery)
    )
    rows = (column for column in query.find_all(exp.Column) if _is_row(column))
    others = query.find_all(exp.Pivot, exp.Describe)
    return any(True for found in (stars, joins, renamed, rows, others) for _ in found)


def _is_row(column: exp.Column) -> bool:
    """Return whether the name can be that of a table, which in DuckDB is the whole row."""
    name = column.name.lower()
    order = column.parent.parent if isinstance(column.parent, exp.Ordered) else None
    query = order.parent if order else None
    if column.table or (isinstance(query, exp.Query) and name in map(str.lower, query.named_selects)):
        return False  # such as `select count(*) as events from events order by events`
    select = column.parent_select
    while select is not None:
        if name in _sources_of(select):
            return True
        select = select.parent_select
    return False


def _sources_of(select: exp.Expr) -> set[str]:
    """Return the names of the tables that the select reads, but not those of its subqueries."""
    parts = (select.args.get("from_"), *select.args.get("joins", ()), *select.args.get("laterals", ()))
    found = (node for part in parts if part for node in part.walk(prune=_is_query))
    return {node.alias_or_name.lower() for node in found if isinstance(node, exp.Table | exp.DerivedTable)}


def _is_query(node: exp.Expr) -> bool:
    return isinstance(node, exp.Select | exp.SetOperation) or (
        isinstance(node, exp.Subquery) and isinstance(node.this, exp.Query)
    )


def _is_of_count(star: exp.Star) -> bool:
    return isinstance(star.parent, exp.Count)


def _is_of_source(star: exp.Star) -> bool:
    """Return whether the star is that of a `from (select * from … where …)`, with nothing else in it."""
    select = star.parent.parent if isinstance(star.parent, exp.Column) else star.parent
    if not isinstance(select, exp.Select) or not isinstance(select.parent, exp.Subquery):
        return False
    clauses = {name for name, value in select.args.items() if value}
    return isinstance(select.parent.parent, exp.From) and clauses <= {"expressions", "from_", "where"}


def _has_star(query: exp.Query) -> bool:
    return any(select.is_star for select in query.find_all(exp.Select))


def _names_of(query: exp.Query) -> set[str]:
    """Return every name in the query: `using (title)` and `(e).title` name columns too."""
    return {identifier.name.lower() for identifier in query.find_all(exp.Identifier)}
