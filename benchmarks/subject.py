"""A handler in a process of its own, as Lambda has it: nothing but the bundle and the standard library.

`python -I -S -B subject.py BUNDLE HANDLER FD`: orders come as lines of JSON on stdin, samples go as lines to
the file descriptor; stdout and stderr are the function's log. Imports nothing of ours.
"""

import importlib
import json
import os
import resource
import sys
from time import perf_counter_ns, process_time_ns
from typing import Any


class Context:
    """What handlers ask of Lambda's."""

    aws_request_id = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    invoked_function_arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function_name}"
    memory_limit_in_mb = 512

    def get_remaining_time_in_millis(self) -> int:
        return 15_000


def main(bundle: str, handler: str, answers: str) -> None:
    sys.path.insert(0, bundle)
    module, _, name = handler.rpartition(".")
    handle = getattr(importlib.import_module(module), name)
    context = Context()
    with open(int(answers), "w", closefd=False) as out:  # of a whole start it is stdout
        for line in sys.stdin:
            order = json.loads(line)
            out.write(json.dumps(take(handle, context, order["event"], order["times"])) + "\n")
            out.flush()


def take(handle: Any, context: Context, event_text: str, times: int) -> dict[str, Any]:
    """One after the other; what is not the handler's (Lambda's own JSON) is outside of the clocks."""
    cpu = 0
    walls = []
    for _ in range(times):
        event = json.loads(event_text)
        wall_start, cpu_start = perf_counter_ns(), process_time_ns()
        answer = handle(event, context)
        cpu += process_time_ns() - cpu_start
        walls.append(perf_counter_ns() - wall_start)
    return {
        "answer": answer,
        "cpu_ns": cpu / times,
        "walls_ns": walls,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
