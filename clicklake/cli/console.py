"""What the commands show: progress on stderr while people watch, results on stdout."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

# A pipe has no width: what is read by a program or kept in a file is not wrapped to 80 columns.
OUT = Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else 200)
ERR = Console(stderr=True, highlight=False, markup=False, emoji=False)


def progress() -> Progress:
    """A bar on stderr; nothing at all where that is no terminal."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=ERR, transient=True, disable=not ERR.is_terminal)


def print_json(document: Mapping[str, Any]) -> None:
    """ASCII alone: nothing of a click can reach the terminal as anything but text."""
    json.dump(document, sys.stdout, ensure_ascii=True, indent=2)
    sys.stdout.write("\n")
