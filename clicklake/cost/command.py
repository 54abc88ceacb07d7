"""`cost`: print what a million clicks cost, by stage and by clicks per request."""

from typing import Any

import click
from rich.table import Table

from clicklake.cli.console import OUT, print_json
from clicklake.cli.options import FiniteRange, json_option
from clicklake.cost.breakdown import CostBreakdown, FunctionCost, PipelineConfig, cost_per_million
from clicklake.cost.estimate import (
    FIREHOSE_MS,
    MEASURED_CLICKS,
    at_default_wait,
    configs_of,
    count_alarm_metrics,
    default_wait,
    read_measurements,
    read_prices,
    read_stages,
)

ZAPPA_DEFAULTS = ("x86_64", 512)  # architecture and memory of a stage that sets neither
SEED_CLICK_BYTES = 100  # {"userId": …, "mysfitId": …}, as the workshop's page sends it
SEED_ANSWER_BYTES = 400


@click.command()
@click.option("--stage", "stages", multiple=True, help="A stage of zappa_settings.json.  [default: all]")
@click.option(
    "--clicks-per-request",
    "sizes",
    multiple=True,
    type=click.Choice(MEASURED_CLICKS),
    help="Clicks that the tracker sends in one request.  [default: all]",
)
@click.option(
    "--firehose-ms",
    type=FiniteRange(0, 60_000),
    default=FIREHOSE_MS,
    show_default=True,
    help="Time until Firehose answers, an assumption; a stage's own time is in its function's Duration.",
)
@json_option
def command(stages: tuple[str, ...], sizes: tuple[str, ...], firehose_ms: float, as_json: bool) -> None:
    """Print what a million clicks cost.

    In dollars: for our stages, for the workshop's own design, for Zappa's defaults, and what others publish.
    The figures come from list prices (prices.json has their date) and from durations that benchmarks/
    measured, without free tiers and cold starts.
    """
    prices = read_prices()
    measured = read_measurements()
    configs = configs_of(stages, sizes or MEASURED_CLICKS, measured, firehose_ms)
    configs |= _others(measured, firehose_ms)
    processor_us = measured["processor_on_lambda"]["us_per_click"]
    costs = {name: cost_per_million(config, prices, processor_us) for name, config in configs.items()}
    measured_wait = default_wait(measured)
    at_default = {
        stage: at_default_wait(stage, costs, measured) for stage in stages or read_stages() if not sizes
    }
    idle = count_alarm_metrics() * prices["alarm_metric_per_month"]
    if as_json:
        by_name = {name: {**cost._asdict(), "total": cost.total} for name, cost in costs.items()}
        print_json(
            {
                "prices": prices,
                "perMillionClicks": by_name,
                "perMillionAtDefaultWait": at_default,
                "idlePerMonth": idle,
            }
        )
    else:
        _show(costs, prices, idle)
        for stage, usd in at_default.items():
            OUT.print(
                f"{stage}, at the tracker's default data-wait: {usd:.2f} USD per million clicks"
                f" ({measured_wait['clicks_per_request']:.2f} clicks per request on the demo's day)."
            )


def _others(measured: Any, firehose_ms: float) -> dict[str, PipelineConfig]:
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


def _show(costs: dict[str, CostBreakdown], prices: Any, idle: float) -> None:
    table = Table(
        "USD per million clicks", *(name.replace("_", " ") for name in CostBreakdown._fields), "total"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for name, cost in costs.items():
        table.add_row(name, *(f"{part:.3f}" for part in cost), f"{cost.total:.2f}")
    for other in prices["published"]:
        per_million = other["usd_per_month"] / other["millions_per_month"]
        table.add_row(f"published: {other['name']}", *[""] * len(CostBreakdown._fields), f"{per_million:.2f}")
    OUT.print(table)
    OUT.print(f"Prices of {prices['at']}, {prices['region']}. {prices['note']}")
    OUT.print(f"A month without a click: {idle:.2f} USD at most, for the alarms.")
