"""What a stage costs, from list prices and from what benchmarks/ measured.

It reads the files of a checkout, which the keeper's bundle has too.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from clicklake.cli.checkout import ROOT
from clicklake.cost.breakdown import (
    CostBreakdown,
    FunctionCost,
    PipelineConfig,
    Prices,
    cost_per_million,
    interpolate,
)
from clicklake.errors import CommandError

MEASURED_CLICKS = ("1", "10", "50", "500")
FIREHOSE_MS = 8.0  # until Firehose answers, an assumption
STANDARD_STAGE = "dev"  # what a stage is like that zappa_settings.json does not name


class StageEstimate(NamedTuple):
    """USD."""

    per_million_events: float
    """At the tracker's default wait."""
    idle_month: float
    """At most, for the alarms."""


def estimate_stage(stage: str) -> StageEstimate:
    """Raises CommandError if nothing was measured."""
    prices, measured = read_prices(), read_measurements()
    known = stage if stage in read_stages() else STANDARD_STAGE
    processor_us = measured["processor_on_lambda"]["us_per_click"]
    costs = {
        name: cost_per_million(config, prices, processor_us)
        for name, config in configs_of([known], ("1", "10"), measured, FIREHOSE_MS).items()
    }
    idle: float = count_alarm_metrics() * prices["alarm_metric_per_month"]
    return StageEstimate(at_default_wait(known, costs, measured), idle)


def read_prices() -> Prices:
    prices: Prices = json.loads(Path(__file__).with_name("prices.json").read_text())
    return prices


def default_wait(measured: Any) -> Any:
    """Return how the tracker's default data-wait groups clicks into requests."""
    batching = measured["batching"]
    return batching["waits"][str(batching["default"])]


def at_default_wait(stage: str, costs: Mapping[str, CostBreakdown], measured: Any) -> float:
    """Return the USD per million events of the stage, from those of requests with 1 and with 10 clicks."""
    wait = default_wait(measured)
    one, ten = (costs[f"{stage}, {clicks} a request"].total for clicks in (1, 10))
    return interpolate(one, ten, wait["clicks_per_request"], wait["repeated_share"])


def read_measurements() -> Any:
    file = ROOT / "benchmarks" / "results.json"
    try:
        measured = json.loads(file.read_text())
        return {name: measured[name] for name in ("warm", "processor_on_lambda", "batching")}
    except (OSError, KeyError):
        raise CommandError(f"{file} has no durations; `make bench` measures them") from None


def read_stages() -> dict[str, Any]:
    """Return the stages of the ingest app. A dashboard costs nothing per click."""
    settings: dict[str, Any] = json.loads((ROOT / "zappa_settings.json").read_text())
    return {name: options for name, options in settings.items() if not name.startswith("dashboard_")}


def configs_of(
    stages: Sequence[str], sizes: Sequence[str], measured: Any, firehose_ms: float
) -> dict[str, PipelineConfig]:
    settings = read_stages()
    if unknown := set(stages) - set(settings):
        raise CommandError(f"zappa_settings.json has no stage {', '.join(sorted(unknown))}")
    configs = {}
    for stage in stages or settings:
        options = settings.get(settings[stage].get("extends"), {}) | settings[stage]
        for size in sizes:
            costs, bytes_of = measured["warm"]["clicklake"][size], measured["warm"]["sizes"][size]
            function = FunctionCost(
                options["architecture"],
                options["memory_size"],
                costs["cpu_us"],
                firehose_ms,
                costs["log_bytes"],
            )
            gateway = "http_api" if options.get("apigateway_version") == "v2" else "rest_api"
            name = f"{stage}, {size} a request"
            configs[name] = PipelineConfig(
                gateway, int(size), bytes_of["record"], bytes_of["answer"], function
            )
    return configs


def count_alarm_metrics() -> int:
    """Return the number of billed alarm metrics: one per alarm, or the metrics of its sum."""
    template = (ROOT / "cloudformation/alarms.yaml").read_text()
    alarms = re.split("Type: AWS::CloudWatch::Alarm", template)[1:]
    return sum(max(1, alarm.count("MetricStat:")) for alarm in alarms)
