"""A processor that does what its records say. support/emulator.py deploys it to the emulator."""

import base64
import json
import os
import time
from typing import Any


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    print(f"{len(event['records'])} records")  # a function that writes nothing to stderr answers 50 ms later
    results: list[dict[str, Any]] = []
    for record in event["records"]:
        data = base64.b64decode(record["data"])
        command = data.decode(errors="replace").strip()
        if command == "raise":
            raise RuntimeError("as requested")
        if command == "sleep":
            time.sleep(60)
        if command == "huge":
            return {"records": "x" * 7_000_000}
        results += results_for(record["recordId"], command, data)
    return {"records": results}


def results_for(record_id: str, command: str, data: bytes) -> list[dict[str, Any]]:
    line = json.loads(data) if command.startswith("{") else {"said": command}
    if command == "environment":
        line = {"environment": sorted(os.environ)}
    result = {"recordId": record_id, "result": "Ok", "data": encode(line)}
    special = {
        "drop": [{"recordId": record_id, "result": "Dropped"}],
        "fail": [
            {"recordId": record_id, "result": "ProcessingFailed", "data": base64.b64encode(data).decode()}
        ],
        "missing": [],
        "twice": [result, result],
        "unknown": [result, {**result, "recordId": "nobody's"}],
        "not base64": [{**result, "data": "!!!"}],
        "wrong result": [{**result, "result": "ok"}],
    }
    return special.get(command, [result])


def encode(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode() + b"\n").decode()
