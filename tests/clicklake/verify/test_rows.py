"""Checks become rows, and rows become JSON and Markdown."""

import json
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from clicklake.errors import CommandError
from clicklake.verify.document import to_json, to_markdown
from clicklake.verify.rows import (
    MAX_SEEN_CHARACTERS,
    CheckFailedError,
    CheckSkippedError,
    Recorder,
    VerifiedRow,
    require,
)

STARTED = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)


def raising(error: Exception) -> Recorder:
    def run() -> str:
        raise error

    recorder = Recorder()
    recorder.check("what", "expected", run)
    return recorder


def test_what_a_check_saw_is_kept() -> None:
    shown: list[VerifiedRow] = []
    recorder = Recorder(shown.append)
    assert recorder.check("health", "200", lambda: "200")
    assert [(row.what, row.expected, row.seen, row.outcome) for row in shown] == [
        ("health", "200", "200", "ok")
    ]
    assert (recorder.failures, recorder.rows) == (0, shown)


@pytest.mark.parametrize(
    ("error", "seen", "outcome"),
    [
        (CheckFailedError("404"), "404", "failed"),
        (CheckSkippedError("not deployed"), "not deployed", "skipped"),
        (CommandError("Athena: a reason"), "Athena: a reason", "failed"),
        (ConnectionRefusedError("nobody"), "ConnectionRefusedError: nobody", "failed"),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject"),
            "ClientError: An error occurred (AccessDenied) when calling the PutObject operation: no",
            "failed",
        ),
    ],
)
def test_an_error_ends_only_its_own_check(error: Exception, seen: str, outcome: str) -> None:
    recorder = raising(error)
    assert [(row.seen, row.outcome) for row in recorder.rows] == [(seen, outcome)]
    assert recorder.failures == (outcome == "failed")


def test_a_fault_of_the_program_is_no_row() -> None:
    with pytest.raises(KeyError):
        raising(KeyError("a bug"))
    with pytest.raises(KeyboardInterrupt):
        raising(KeyboardInterrupt())  # type: ignore[arg-type]


def test_a_long_answer_is_cut() -> None:
    (row,) = raising(CheckFailedError("x" * 10_000)).rows
    assert len(row.seen) == MAX_SEEN_CHARACTERS


def test_require_returns_or_raises_what_was_seen() -> None:
    assert require(True, "202") == "202"
    with pytest.raises(CheckFailedError, match="404"):
        require(False, "404")


def test_the_markdown_has_a_row_for_each_check_and_no_markup_of_strangers() -> None:
    hostile = "a | b\n<script>\\|&amp;"
    rows = [
        VerifiedRow("health", "200", "200", 0.1, "ok"),
        VerifiedRow("replay", "lands", hostile, 61.0, "failed"),
        VerifiedRow("dashboard", "closed", "not deployed", 0, "skipped"),
    ]
    document = to_json("dev", "AWS, eu-central-1", "0.2.0", STARTED, rows)
    assert json.loads(json.dumps(document)) == document
    assert (document["failed"], document["seconds"]) == (1, 61.1)
    page = to_markdown(document)
    assert page.splitlines()[0] == (
        "`clicklake verify` 0.2.0, stage `dev`, AWS, eu-central-1, 2026-11-28T09:30:00Z:"
        " 3 checks in 61 s, 1 failed."
    )
    table = [each for each in page.splitlines() if each.startswith("|")]
    assert len(table) == len(rows) + 2
    assert table[3] == "| replay | lands | a \\| b &lt;script>\\\\\\|&amp;amp; | 61.0 | **failed** |"
