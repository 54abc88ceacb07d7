"""Every benchmark, one after the other: `make bench`. What each prints goes into docs/performance.md.

python -m benchmarks [NAME …]
"""

import subprocess
import sys

from benchmarks.machine import ROOT
from benchmarks.publish import publish, tables_in

# Those that put their figures into the page themselves, and those that print them.
OURS = (
    *("cold", "warm", "memory", "serve", "processor_on_lambda", "cost", "batching"),
    *("athena_bytes", "keeper"),
)
PRINTING = ("processor", "reconcile", "report", "columns", "soak")


def main() -> int:
    names = sys.argv[1:] or [*OURS, *PRINTING]
    failed = [name for name in names if not run(name)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed) or not run("targets")


def run(name: str) -> bool:
    """Whether it went well."""
    print(f"# {name}\n", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    if name not in PRINTING:
        return subprocess.run(command, cwd=ROOT, check=False).returncode == 0  # noqa: S603
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if done.returncode == 0:
        is_markdown = bool(tables_in(done.stdout))
        text = done.stdout.strip() if is_markdown else f"```\n{done.stdout.rstrip()}\n```"
        publish(name, [text], {"tables": tables_in(done.stdout)} if is_markdown else {"text": text}, {})
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
