"""A processor that does to each batch what a record of it says: deployed to the emulator by conftest.py."""

import base64
import json
import os
import time
from typing import Any


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    print(f"{len(event['records'])} records")  # a function that writes nothing to stderr answers 50 ms later
    answers: list[dict[str, Any]] = []
    for record in event["records"]:
        data = base64.b64decode(record["data"])
        command = data.decode(errors="replace").strip()
        if command == "raise":
            raise RuntimeError("as told")
        if command == "sleep":
            time.sleep(60)
        if command == "huge":
            return {"records": "x" * 7_000_000}
        answers += answers_to(record["recordId"], command, data)
    return {"records": answers}


def answers_to(record_id: str, command: str, data: bytes) -> list[dict[str, Any]]:
    line = json.loads(data) if command.startswith("{") else {"said": command}
    if command == "environment":
        line = {"environment": sorted(os.environ)}
    answer = {"recordId": record_id, "result": "Ok", "data": encode(line)}
    special: dict[str, list[dict[str, Any]]] = {
        "drop": [{"recordId": record_id, "result": "Dropped"}],
        "fail": [
            {"recordId": record_id, "result": "ProcessingFailed", "data": base64.b64encode(data).decode()}
        ],
        "missing": [],
        "twice": [answer, answer],
        "unknown": [answer, {**answer, "recordId": "nobody's"}],
        "not base64": [{**answer, "data": "!!!"}],
        "wrong result": [{**answer, "result": "ok"}],
    }
    return special.get(command, [answer])


def encode(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode() + b"\n").decode()
