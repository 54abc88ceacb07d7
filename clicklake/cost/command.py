"""`cost`: what a million clicks cost, by stage and by clicks per request."""

import json
import re
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from clicklake.cli.checkout import ROOT
from clicklake.cli.console import OUT, print_json
from clicklake.cli.options import json_option
from clicklake.cost.breakdown import Bill, Function, Way, bill
from clicklake.errors import CommandError

MEASURED_CLICKS = ("1", "10", "50", "500")
ZAPPA_DEFAULTS = ("x86_64", 512)  # of a stage that sets neither
SEED_CLICK_BYTES = 100  # {"userId": …, "mysfitId": …}, as the workshop's page sends it
SEED_ANSWER_BYTES = 400


@click.command()
@click.option("--stage", "stages", multiple=True, help="A stage of zappa_settings.json.  [default: all]")
@click.option(
    "--clicks-per-request",
    "sizes",
    multiple=True,
    type=click.Choice(MEASURED_CLICKS),
    help="What the tracker sends at once.  [default: all]",
)
@click.option(
    "--firehose-ms",
    default=8.0,
    show_default=True,
    help="Wait for Firehose's answer, an assumption: a stage's own is in its function's Duration.",
)
@json_option
def command(stages: tuple[str, ...], sizes: tuple[str, ...], firehose_ms: float, as_json: bool) -> None:
    """Dollars per million clicks: ours, the workshop's own design, Zappa's defaults, and what others publish.

    From list prices (prices.json has their date) and durations measured by benchmarks/, without free
    tiers and cold starts.
    """
    prices = json.loads(Path(__file__).with_name("prices.json").read_text())
    measured = _measurements()
    ways = _ours(stages, sizes or MEASURED_CLICKS, measured, firehose_ms)
    ways |= _others(measured, firehose_ms)
    processor_us = measured["processor_on_lambda"]["us_per_click"]
    bills = {name: bill(way, prices, processor_us) for name, way in ways.items()}
    idle = _alarm_metrics() * prices["alarm_metric_per_month"]
    if as_json:
        costs = {name: {**it._asdict(), "total": it.total} for name, it in bills.items()}
        print_json({"prices": prices, "perMillionClicks": costs, "idlePerMonth": idle})
    else:
        _show(bills, prices, idle)


def _measurements() -> Any:
    file = ROOT / "benchmarks" / "results.json"
    try:
        measured = json.loads(file.read_text())
        return {name: measured[name] for name in ("warm", "processor_on_lambda")}
    except (OSError, KeyError):
        raise CommandError(f"{file} lacks the durations: `make bench` measures them") from None


def _ours(
    stages: tuple[str, ...], sizes: tuple[str, ...], measured: Any, firehose_ms: float
) -> dict[str, Way]:
    settings = json.loads((ROOT / "zappa_settings.json").read_text())
    if unknown := set(stages) - set(settings):
        raise CommandError(f"zappa_settings.json has no stage {', '.join(sorted(unknown))}")
    ways = {}
    for stage in stages or settings:
        its = settings.get(settings[stage].get("extends"), {}) | settings[stage]
        for size in sizes:
            costs, bytes_of = measured["warm"]["clicklake"][size], measured["warm"]["sizes"][size]
            function = Function(
                its["architecture"], its["memory_size"], costs["cpu_us"], firehose_ms, costs["log_bytes"]
            )
            gateway = "http_api" if its.get("apigateway_version") == "v2" else "rest_api"
            name = f"{stage}, {size} a request"
            ways[name] = Way(gateway, int(size), bytes_of["record"], bytes_of["answer"], function)
    return ways


def _others(measured: Any, firehose_ms: float) -> dict[str, Way]:
    zappa, sizes = measured["warm"]["zappa"]["1"], measured["warm"]["sizes"]["1"]
    function = Function(*ZAPPA_DEFAULTS, zappa["cpu_us"], firehose_ms, zappa["log_bytes"])
    return {
        "the workshop's design: REST API to Firehose, 1 a request": Way(
            "rest_api", 1, SEED_CLICK_BYTES, SEED_ANSWER_BYTES
        ),
        "Zappa's defaults, 1 a request": Way("rest_api", 1, sizes["record"], sizes["answer"], function),
    }


def _alarm_metrics() -> int:
    """What alarms are billed by: one each, or the metrics of its sum."""
    template = (ROOT / "cloudformation/alarms.yaml").read_text()
    alarms = re.split("Type: AWS::CloudWatch::Alarm", template)[1:]
    return sum(max(1, alarm.count("MetricStat:")) for alarm in alarms)


def _show(bills: dict[str, Bill], prices: Any, idle: float) -> None:
    table = Table("USD per million clicks", *(name.replace("_", " ") for name in Bill._fields), "total")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, it in bills.items():
        table.add_row(name, *(f"{part:.3f}" for part in it), f"{it.total:.2f}")
    for other in prices["published"]:
        per_million = other["usd_per_month"] / other["millions_per_month"]
        table.add_row(f"published: {other['name']}", *[""] * len(Bill._fields), f"{per_million:.2f}")
    OUT.print(table)
    OUT.print(f"Prices of {prices['at']}, {prices['region']}. {prices['note']}")
    OUT.print(f"A month without a click: {idle:.2f} USD at most, for the alarms.")
