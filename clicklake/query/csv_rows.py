"""A query's result as CSV for spreadsheets."""

import csv
from typing import TextIO

from clicklake.cli.sanitize import for_csv
from clicklake.query.queries import QueryResult


def write_csv(result: QueryResult, file: TextIO) -> None:
    """Write the names and the rows. No cell is a formula."""
    writer = csv.writer(file)
    writer.writerow(for_csv(name) for name in result.columns)
    for row in result.rows:
        is_number = (int, float, type(None))
        writer.writerow(cell if isinstance(cell, is_number) else for_csv(str(cell)) for cell in row)
