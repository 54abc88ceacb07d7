"""Act as Lambda's runtime: import the handler of the bundle, then pass it one event after the other.

`python lambda_runtime.py <bundle> <responses>` reads events as lines from stdin, and writes responses as
lines to the file descriptor <responses>. stdout and stderr are the log of the function.
"""

import importlib
import json
import os
import sys


def main(bundle: str, responses: str) -> None:
    sys.path[:0] = bundle.split(os.pathsep)
    handler = importlib.import_module("ingest_app.lambda_entry").lambda_handler
    with open(int(responses), "w") as out:
        for line in sys.stdin:
            response = handler(json.loads(line), None)
            out.write(json.dumps(response) + "\n")
            out.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
