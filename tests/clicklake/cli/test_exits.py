"""Every command ends with one line for an error, and with an exit code that a script can rely on."""

import errno
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from clicklake.cli.exits import exit_code_of
from clicklake.cli.group import COMMANDS, CommandGroup, main
from clicklake.errors import CommandError
from tests.support.paths import ENVS, ROOT


def raising(error: BaseException) -> Callable[[], None]:
    def run() -> None:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "clicklake: interrupted"),
        (click.Abort(), 130, "clicklake: interrupted"),
        (CommandError("it is not there"), 2, "clicklake: it is not there"),
        (
            ZeroDivisionError("division by zero"),
            2,
            "clicklake: unexpected ZeroDivisionError: division by zero",
        ),
        (RecursionError(), 2, "clicklake: unexpected RecursionError: no message"),
        (
            OSError(errno.EROFS, "Read-only file system", "build"),
            2,
            "clicklake: build: Read-only file system",
        ),
        (ValueError("two\nlines \x1b[31m"), 2, r"clicklake: unexpected ValueError: two lines \x1b[31m"),
        (ValueError("x" * 9999), 2, "clicklake: unexpected ValueError: xxx"),
        (ValueError("Invalid endpoint: 127.0.0.1:1"), 2, "must begin with http:// or https://"),
        (SystemExit(1), 1, ""),
        (SystemExit(0), 0, ""),
        (BrokenPipeError(), 0, ""),
    ],
)
def test_every_end_has_its_code_and_at_most_one_line(
    error: BaseException, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code_of(raising(error)) == code
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == bool(message)
    assert len(printed) < 600
    assert "Traceback" not in printed


def test_debug_prints_the_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["clicklake", "query", "select 1", "--debug"])
    assert exit_code_of(raising(ZeroDivisionError())) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_full_disk_is_an_error_even_after_the_command_succeeded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    assert exit_code_of(lambda: None) == 2
    assert exit_code_of(raising(SystemExit(1))) == 2


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {"mcp"}))  # its output is a protocol of its own
def test_every_command_takes_json(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command
    assert "--json" in {option for param in command.params for option in param.opts}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_summary_of_a_command_is_the_first_sentence_of_its_own_help(name: str) -> None:
    assert isinstance(main, CommandGroup)
    command = main.get_command(click.Context(main), name)
    assert command
    assert (command.help or "").split("\n")[0] == COMMANDS[name].summary
    assert sum("--debug" in param.opts for param in command.params) == 1


def test_the_help_shows_every_summary_whole_at_80_columns() -> None:
    shown = CliRunner().invoke(main, ["--help"], terminal_width=80).output
    assert all(entry.summary in shown for entry in COMMANDS.values())
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_help_fits_80_columns(name: str) -> None:
    shown = CliRunner().invoke(main, [name, "--help"], terminal_width=80).output
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.e2e
def test_help_imports_no_command_and_completion_knows_them_all() -> None:
    code = (
        "import sys; from clicklake.cli.group import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'duckdb', 'sqlglot', 'jinja2', 'rich'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    env = {"_CLICKLAKE_COMPLETE": "bash_complete", "COMP_WORDS": "clicklake re", "COMP_CWORD": "1"}
    completed = subprocess.run(
        [ENVS / "cli" / "bin" / "clicklake"], cwd=ROOT, env=env, capture_output=True, text=True
    )
    names = [line.partition(",")[2] for line in completed.stdout.splitlines()]
    assert names == [name for name in COMMANDS if name.startswith("re")]


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("redirection", "code"), [("", 0), (">&-", 0), (">/dev/full", 2), ("| head -1", 0), ("2>&-", 0)]
)
def test_wherever_output_goes_nothing_breaks(redirection: str, code: int, tmp_path: Path) -> None:
    if redirection == ">/dev/full" and not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    command = f"set -o pipefail; '{sys.executable}' -m clicklake cost {redirection}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.e2e
def test_a_pipe_gets_utf_8_in_any_locale_and_no_line_is_cut() -> None:
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-m", "clicklake", "cost"], cwd=ROOT, env=env, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert "━" in done.stdout.decode("utf-8")
    assert "…" not in done.stdout.decode("utf-8")
