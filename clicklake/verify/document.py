"""A verification as JSON and as Markdown, without account ids, addresses or bucket names."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from clicklake.verify.rows import VerifiedRow

MARKS = {"ok": "ok", "failed": "**failed**", "skipped": "skipped"}


def to_json(
    stage: str, where: str, version: str, started: datetime, rows: list[VerifiedRow]
) -> dict[str, Any]:
    return {
        "stage": stage,
        "where": where,
        "version": version,
        "startedAt": started.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "seconds": round(sum(row.seconds for row in rows), 1),
        "failed": sum(row.outcome == "failed" for row in rows),
        "rows": [asdict(row) for row in rows],
    }


def to_markdown(document: Mapping[str, Any]) -> str:
    """Return a table that can be pasted into an issue. A pipe in a cell is escaped."""
    failed = f"{document['failed']} failed" if document["failed"] else "none failed"
    number, seconds = len(document["rows"]), f"{document['seconds']:,.0f} s"
    head = (
        f"`clicklake verify` {document['version']}, stage `{document['stage']}`, {document['where']},"
        f" {document['startedAt']}: {number} checks in {seconds}, {failed}.\n"
    )
    lines = [head, "| what | expected | seen | seconds | |", "| --- | --- | --- | ---: | --- |"]
    for row in document["rows"]:
        cells = (_cell(row[name]) for name in ("what", "expected", "seen"))
        lines.append(f"| {' | '.join(cells)} | {row['seconds']} | {MARKS[row['outcome']]} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Return the text on one line, without anything that Markdown or HTML would read as its own."""
    escaped = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return escaped.replace("\\", "\\\\").replace("|", "\\|")
