"""What the arithmetic needs, read from files: prices, measured durations, and the settings of our stages."""

import json
import re
from pathlib import Path
from typing import Any

from clicklake.cli.checkout import ROOT
from clicklake.cost.breakdown import FunctionCost, PipelineConfig, Prices
from clicklake.errors import CommandError

MEASURED_CLICKS = ("1", "10", "50", "500")
ZAPPA_DEFAULTS = ("x86_64", 512)  # architecture and memory of a stage that sets neither
SEED_CLICK_BYTES = 100  # {"userId": …, "mysfitId": …}, as the workshop's page sends it
SEED_ANSWER_BYTES = 400


def read_prices() -> Prices:
    prices: Prices = json.loads(Path(__file__).with_name("prices.json").read_text())
    return prices


def measurements() -> Any:
    file = ROOT / "benchmarks" / "results.json"
    try:
        measured = json.loads(file.read_text())
        return {name: measured[name] for name in ("warm", "processor_on_lambda", "batching")}
    except (OSError, KeyError):
        raise CommandError(f"{file} has no durations; `make bench` measures them") from None


def stages_of_settings() -> dict[str, Any]:
    settings: dict[str, Any] = json.loads((ROOT / "zappa_settings.json").read_text())
    return settings


def our_configs(
    stages: tuple[str, ...], sizes: tuple[str, ...], measured: Any, firehose_ms: float
) -> dict[str, PipelineConfig]:
    settings = stages_of_settings()
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


def other_configs(measured: Any, firehose_ms: float) -> dict[str, PipelineConfig]:
    zappa, sizes = measured["warm"]["zappa"]["1"], measured["warm"]["sizes"]["1"]
    function = FunctionCost(*ZAPPA_DEFAULTS, zappa["cpu_us"], firehose_ms, zappa["log_bytes"])
    return {
        "the workshop's design: REST API to Firehose, 1 a request": PipelineConfig(
            "rest_api", 1, SEED_CLICK_BYTES, SEED_ANSWER_BYTES
        ),
        "Zappa's defaults, 1 a request": PipelineConfig(
            "rest_api", 1, sizes["record"], sizes["answer"], function
        ),
    }


def alarm_metrics() -> int:
    """Return the number of billed alarm metrics: one per alarm, or the metrics of its sum."""
    template = (ROOT / "cloudformation/alarms.yaml").read_text()
    alarms = re.split("Type: AWS::CloudWatch::Alarm", template)[1:]
    return sum(max(1, alarm.count("MetricStat:")) for alarm in alarms)
