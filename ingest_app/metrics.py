"""Counts of what was refused, in CloudWatch's embedded metric format; what went well writes nothing.

docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import sys
import time
from collections.abc import Mapping
from typing import Any

import msgspec

NAMESPACE = "Clicklake"


def count(function_name: str, counts: Mapping[str, int], **facts: Any) -> None:
    """Write one line. `facts` are for its reader: ids and names, never a payload, an address or a userId."""
    metrics = [{"Name": name, "Unit": "Count"} for name in counts]
    line = {
        "_aws": {
            "Timestamp": time.time_ns() // 1_000_000,
            "CloudWatchMetrics": [
                {"Namespace": NAMESPACE, "Dimensions": [["FunctionName"]], "Metrics": metrics}
            ],
        },
        "FunctionName": function_name,
        **counts,
        **facts,
    }
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


def refused(code: str) -> str:
    """The metric of a problem's code: RefusedBodyTooLarge of body_too_large."""
    return "Refused" + code.title().replace("_", "")


def rejected(field: str | None) -> str:
    """The metric of the field that cost a click: five names, whatever the setting calls the item."""
    names = {"type": "Type", "userId": "UserId", "eventId": "EventId", None: "Click"}
    return "Rejected" + names.get(field, "Item")
