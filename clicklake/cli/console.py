"""Output of the commands: results on stdout, progress on stderr while a person watches."""

import json
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

NO_WIDTH = 1_000_000  # of a pipe or file: nothing there is wrapped or cut


class _PipeConsole(Console):
    def on_broken_pipe(self) -> None:
        """Let `exit_code_of` decide; rich would exit with 1, which means "problems found" here."""
        raise BrokenPipeError


def _console(stream: TextIO | None, *, stderr: bool) -> Console:
    is_terminal = stream is not None and stream.isatty()
    width = None if is_terminal else NO_WIDTH
    return _PipeConsole(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


OUT = _console(sys.stdout, stderr=False)
ERR = _console(sys.stderr, stderr=True)


def progress(*, is_shown: bool = True) -> Progress:
    """Return a progress bar on stderr; it shows nothing if that is not a terminal."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=ERR, transient=True, disable=not (is_shown and ERR.is_terminal))


def print_json(document: Mapping[str, Any]) -> None:
    """Print ASCII only, so that nothing of a click can reach the terminal as anything but text."""
    json.dump(document, sys.stdout, ensure_ascii=True, indent=2)
    sys.stdout.write("\n")
