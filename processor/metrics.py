"""One line of metrics per batch, in CloudWatch's embedded metric format: counts, record ids and reasons.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from processor.enriched_event import EventFields, RequestFields

NAMESPACE = "Clicklake"
MAX_FAILURES_NAMED = 20  # keeps the log line short, whatever the batch holds


@dataclass
class Metrics:
    records: int
    clicks: int = 0  # clicks that land; the next four count only these
    bots: int = 0
    unknown_items: int = 0
    unavailable: int = 0
    not_asked: int = 0
    failed: int = 0  # records
    agents_not_parsed: int = 0  # envelopes
    catalogue_calls: int = 0
    catalogue_milliseconds: int = 0
    failures: dict[str, str] = field(default_factory=dict)  # record id to reason
    failed_steps: Counter[str] = field(default_factory=Counter)

    def count_clicks(self, clicks: Sequence[EventFields], request: RequestFields) -> None:
        self.clicks += len(clicks)
        self.bots += len(clicks) if request.bot else 0
        for click in clicks:
            lookup = click.item_lookup
            if lookup != "found":
                self.unknown_items += lookup == "not_found"
                self.unavailable += lookup == "unavailable"
                self.not_asked += lookup == "not_asked"

    def count_failure(self, record_id: str, reason: str) -> None:
        self.failed += 1
        if len(self.failures) < MAX_FAILURES_NAMED:
            self.failures[record_id] = reason

    def to_emf(self, function_name: str, now: datetime) -> str:
        counts = {
            "Records": self.records,
            "Clicks": self.clicks,
            "Bots": self.bots,
            "UnknownItems": self.unknown_items,
            "Unavailable": self.unavailable,
            "NotAsked": self.not_asked,
            "Failed": self.failed,
            "AgentsNotParsed": self.agents_not_parsed,
            "FailedSteps": self.failed_steps.total(),
            "CatalogueCalls": self.catalogue_calls,
            "CatalogueMilliseconds": self.catalogue_milliseconds,
        }
        document: dict[str, Any] = {
            "_aws": {
                "Timestamp": round(now.timestamp() * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": NAMESPACE,
                        "Dimensions": [["FunctionName"]],
                        "Metrics": [{"Name": name, "Unit": _unit_of(name)} for name in counts],
                    }
                ],
            },
            "FunctionName": function_name,
            **counts,
            "failures": self.failures,
            "failedSteps": self.failed_steps,
        }
        return msgspec.json.encode(document).decode()


def _unit_of(name: str) -> str:
    return "Milliseconds" if name.endswith("Milliseconds") else "Count"
