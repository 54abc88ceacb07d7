"""The keeper's metrics: one line of its log per result, in CloudWatch's embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Mapping
from datetime import datetime

NAMESPACE = "Clicklake"
METRICS = {
    "reconcile": ("Reconciled", "Accepted", "Missing", "Unreadable", "ColumnsFaults"),
    "key": ("KeyTurned",),
    "mail": ("MailsSent",),
    "replay": ("Replayed", "RefusedObjects"),
}
"""By job. Reconciled counts final results; alarms.yaml watches it and Missing."""


def to_emf(function_name: str, job: str, counts: Mapping[str, int], now: datetime) -> str:
    """Return the line. The metrics' only dimension is the function's name, as for the processor."""
    names = METRICS[job]
    described = [{"Name": name, "Unit": "Count"} for name in names]
    return json.dumps(
        {
            "_aws": {
                "Timestamp": round(now.timestamp() * 1000),
                "CloudWatchMetrics": [
                    {"Namespace": NAMESPACE, "Dimensions": [["FunctionName"]], "Metrics": described}
                ],
            },
            "FunctionName": function_name,
            "job": job,
            **{name: counts[name] for name in names},
        }
    )
