"""Metrics of refused requests and rejected clicks, in CloudWatch's embedded metric format.

Accepted clicks write nothing. The format:
docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import sys
import time
from collections.abc import Mapping
from typing import Any

import msgspec

NAMESPACE = "Clicklake"


def count(function_name: str, counts: Mapping[str, int], **facts: Any) -> None:
    """Write one log line. `facts` help its reader: ids and names, never payloads, addresses or user ids."""
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
    """Return the metric of a problem code: RefusedBodyTooLarge for body_too_large."""
    return "Refused" + code.title().replace("_", "")


def rejected(field: str | None) -> str:
    """Return the metric of the field that got a click rejected.

    There are six, whatever name ITEM_ID_FIELD gives the item id.
    """
    names = {"type": "Type", "userId": "UserId", "eventId": "EventId", "url": "Url", None: "Click"}
    return "Rejected" + names.get(field, "Item")
