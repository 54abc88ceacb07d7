"""What Lambda does with the bundle, in a process of its own: import the handler, then take event by event.

`python lambda_runtime.py <bundle> <answers>`: events come as lines on stdin, answers go as lines to a file
descriptor; stdout and stderr are the function's log.
"""

import importlib
import json
import os
import sys


def main(bundle: str, answers: str) -> None:
    sys.path[:0] = bundle.split(os.pathsep)
    handler = importlib.import_module("ingest_app.wsgi").lambda_handler
    with open(int(answers), "w") as out:
        for line in sys.stdin:
            answer = handler(json.loads(line), None)
            out.write(json.dumps(answer) + "\n")
            out.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
