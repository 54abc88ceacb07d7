"""SQL in Athena's dialect: the files in sql/, one question each, and what people ask of their own."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp

from clicklake.errors import CommandError

DIALECT = "athena"
FOLDER = Path(__file__).with_name("sql")
NAMES = tuple(sorted(file.stem for file in FOLDER.glob("*.sql")))

# The tables that a question may ask, made of `lines`; `failed` holds Firehose's error documents.
_TABLES = sqlglot.parse_one(
    Path(__file__).with_name("views.sql").read_text(), dialect=DIALECT, into=exp.Select
)

Questions = Mapping[str, exp.Query]


@dataclass(frozen=True)
class Answer:
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def __iter__(self) -> Any:
        """Row by row, each by column's name."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)


@dataclass(frozen=True)
class Answers:
    """By the question's name; and what whoever reads them should know of how they came about."""

    by_name: dict[str, Answer]
    notes: tuple[str, ...] = ()


def saved_question(name: str) -> exp.Query:
    return parse_question((FOLDER / f"{name}.sql").read_text())


def parse_question(sql: str) -> exp.Query:
    """Raises CommandError for what is no single query."""
    try:
        statements = sqlglot.parse(sql, dialect=DIALECT)
    except sqlglot.ParseError as error:
        raise CommandError(
            f"this is no SQL: {error.errors[0]['description']} at line {error.errors[0]['line']}"
        ) from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise CommandError("ask one question: a select")
    return statements[0]


def tables_sql() -> dict[str, exp.Query]:
    """What clicks, unique_clicks and human_clicks are, each made of the one before."""
    return {cte.alias: cte.this.copy() for cte in _TABLES.ctes}


def asked_tables(questions: Iterable[exp.Query]) -> set[str]:
    return {table.name.lower() for each in questions for table in each.find_all(exp.Table)}


def asked_columns(questions: Collection[exp.Query], known: Collection[str]) -> list[str]:
    """Those of the known columns that the questions, or the tables they ask, speak of; all for `select *`."""
    if any(select.is_star for each in questions for select in each.find_all(exp.Select)):
        return list(known)
    spoken = {column.name.lower() for each in (*questions, _TABLES) for column in each.find_all(exp.Column)}
    return [name for name in known if name in spoken]
