"""The shipped entry point as a function of events, and the events that API Gateway makes of requests."""

import base64
import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tests.support.paths import ROOT

DATA = ROOT / "tests" / "data"
Event = dict[str, Any]
Answer = dict[str, Any]

CLIENT_ADDRESS = "203.0.113.77"  # in both recorded events


class LambdaFunction:
    """One warm execution environment. What the function writes to its log is in `log`."""

    def __init__(self, bundle: Path, environment: Mapping[str, str]) -> None:
        self._log = bundle / "log.txt"
        reader, writer = os.pipe()
        command = [sys.executable, "-u", str(Path(__file__).with_name("lambda_runtime.py"))]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [*command, os.pathsep.join([str(bundle), str(ROOT)]), str(writer)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                text=True,
                env={"PYTHONDONTWRITEBYTECODE": "1", **environment},
                pass_fds=[writer],
            )
        os.close(writer)
        self._answers = os.fdopen(reader)

    def __call__(self, event: Event) -> Answer:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()
        line = self._answers.readline()
        assert line, self._log.read_text()
        answer: Answer = json.loads(line)
        return answer

    @property
    def log(self) -> str:
        return self._log.read_text()

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._answers.close()
        self._process.wait()


def rest_event(
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    query: str = "",
) -> Event:
    """Payload 1.0. Zappa registers */* as binary, so every body comes as base64."""
    event = _recorded("rest")
    event["httpMethod"] = event["requestContext"]["httpMethod"] = method
    event["path"] = path
    event["requestContext"]["path"] = f"/dev{path}"
    for name, value in (headers or {}).items():
        event["headers"][name] = value
        event["multiValueHeaders"][name] = [value]
    if query:
        parameters = parse_qs(query, keep_blank_values=True)
        event["multiValueQueryStringParameters"] = parameters
        event["queryStringParameters"] = {name: values[-1] for name, values in parameters.items()}
    if body is not None:
        event["body"] = base64.b64encode(body).decode()
        event["isBase64Encoded"] = True
    return event


def http_event(
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    query: str = "",
) -> Event:
    """Payload 2.0. Text comes as text; a form, and a body without a type, as base64."""
    event = _recorded("http")
    event["requestContext"]["http"]["method"] = method
    event["rawPath"] = event["requestContext"]["http"]["path"] = f"/production{path}"
    event["rawQueryString"] = query
    event["headers"].update({name.lower(): value for name, value in (headers or {}).items()})
    if body is not None:
        event["headers"]["content-length"] = str(len(body))
        media_type = event["headers"].get("content-type", "")
        is_text = media_type.startswith(("text/", "application/json"))
        event["body"] = body.decode(errors="replace") if is_text else base64.b64encode(body).decode()
        event["isBase64Encoded"] = not is_text
    return event


EVENT_SHAPES: dict[str, Callable[..., Event]] = {"REST": rest_event, "HTTP API": http_event}


def headers_of(answer: Answer) -> dict[str, str]:
    """What the client would see, names in lower case."""
    return {name.lower(): value for name, value in answer["headers"].items()}


def body_of(answer: Answer) -> Any:
    assert not answer.get("isBase64Encoded"), "a stage without binary types loses this body"
    return json.loads(answer["body"])


def _recorded(name: str) -> Event:
    event: Event = json.loads((DATA / "api-gateway" / f"{name}.json").read_text())
    return copy.deepcopy(event)
