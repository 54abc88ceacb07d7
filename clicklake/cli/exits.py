"""How every command ends: one line for each error, and an exit code that a script can rely on.

0    success, also if the reader of a pipe left early
1    problems found, such as missing clicks: only commands that look for problems exit with it
2    the command failed
130  interrupted
"""

import io
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import click

from clicklake.cli.sanitize import for_terminal
from clicklake.errors import CommandError, explain_aws_errors

FAILED, INTERRUPTED = 2, 130
MAX_MESSAGE_CHARACTERS = 500
MAX_MESSAGE_LINES = 20


def prepare_output() -> None:
    """Write UTF-8 in any locale, and never fail because a stream is closed or lacks a character."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the caller, as in `clicklake … >&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (until the process ends)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def exit_code_of(run: Callable[[], Any]) -> int:
    """Run a command and return its exit code. Every error has been printed, on one line."""
    try:
        with explain_aws_errors():
            code = run()
            sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except SystemExit as exit_request:  # a command that found problems
        return _flushed(exit_request.code)
    except (KeyboardInterrupt, click.Abort):
        _print_error("interrupted")
        return INTERRUPTED
    except click.ClickException as error:
        if isinstance(error, CommandError):
            for line in error.format_message().split("\n")[:MAX_MESSAGE_LINES]:
                _print_error(line)
        else:
            error.show()  # wrong usage: with the command's own usage line
        return error.exit_code
    except BrokenPipeError:  # `clicklake query … | head`
        _discard_output()
        return 0
    except Exception as error:
        if _wants_traceback():
            traceback.print_exc()
        else:
            _print_error(f"{_describe(error)} (--debug prints the traceback)")
        _discard_output()
        return FAILED


def _flushed(code: object) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
    except OSError as error:
        _print_error(_describe(error))
        _discard_output()
        return FAILED
    return code if isinstance(code, int) else FAILED


def _describe(error: Exception) -> str:
    """Return the error in one line: what the system says, or the type of an error that should not happen."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    text = str(error) or "no message"
    return f"unexpected {type(error).__name__}: {text}"


def _print_error(message: str) -> None:
    line = for_terminal(" ".join(message.split()))
    if len(line) > MAX_MESSAGE_CHARACTERS:
        line = line[: MAX_MESSAGE_CHARACTERS - 1] + "…"
    click.echo(f"clicklake: {line}", err=True)


def _wants_traceback() -> bool:
    return "--debug" in sys.argv


def _discard_output() -> None:
    """Let the interpreter's own flush at its end go nowhere, since writing failed once already."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, io.UnsupportedOperation):
        return
