"""`python -m tests.support.killing N before|after …`: a command or the keeper, killed at its N-th request.

SIGKILL, just before the request leaves or just after its answer came: between two requests nothing changes
that outlives the process, so these are all the points there are.
"""

import atexit
import os
import random
import signal
import subprocess
import sys
from itertools import count
from typing import Any

import boto3

from clicklake.cli.group import main
from tests.support.keeper_run import run_event
from tests.support.paths import ROOT

EVENTS = {"before": "before-send", "after": "response-received"}


def kill_at(number: int, when: str) -> None:
    requests = count(1)

    def count_request(**_: Any) -> None:
        if next(requests) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    atexit.register(lambda: print(next(requests) - 1, "requests", file=sys.stderr))

    boto3.setup_default_session()
    assert boto3.DEFAULT_SESSION
    boto3.DEFAULT_SESSION.events.register(EVENTS[when], count_request)


def run_killed(arguments: list[str], env: dict[str, str], number: int, when: str) -> bool:
    """Whether it was killed; else it came to its end, with 0, before its N-th request."""
    return _run(arguments, env, number, when).returncode != 0


def requests_of(arguments: list[str], env: dict[str, str]) -> int:
    """How many it makes when nobody kills it."""
    return int(_run(arguments, env, 0, "before").stderr.split()[-2])


def _run(
    arguments: list[str], env: dict[str, str], number: int, when: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.support.killing", str(number), when, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done


def kill_often(arguments: list[str], env: dict[str, str], kills: int, requests: int, seed: int) -> None:
    """Kill it so many times, each at a random point among its first `requests`."""
    chance = random.Random(seed)
    for _ in range(kills):
        assert run_killed(arguments, env, chance.randint(1, requests), chance.choice(["before", "after"]))


if __name__ == "__main__":
    kill_at(int(sys.argv[1]), sys.argv[2])
    if sys.argv[3] == "keeper":  # EVENT NOW REQUEST-ID
        run_event(*sys.argv[4:])
    else:
        main(sys.argv[3:])
