"""`cost`: print what a million clicks cost, by stage and by clicks per request."""

from typing import Any

import click
from rich.table import Table

from clicklake.cli.console import OUT, print_json
from clicklake.cli.options import FiniteRange, json_option
from clicklake.cost.breakdown import CostBreakdown, cost_per_million, interpolate
from clicklake.cost.stages import (
    MEASURED_CLICKS,
    alarm_metrics,
    measurements,
    other_configs,
    our_configs,
    read_prices,
    stages_of_settings,
)


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
    default=8.0,
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
    measured = measurements()
    configs = our_configs(stages, sizes or MEASURED_CLICKS, measured, firehose_ms)
    configs |= other_configs(measured, firehose_ms)
    processor_us = measured["processor_on_lambda"]["us_per_click"]
    costs = {name: cost_per_million(config, prices, processor_us) for name, config in configs.items()}
    batching = measured["batching"]
    measured_wait = batching["waits"][str(batching["default"])]
    at_default = {
        stage: interpolate(
            costs[f"{stage}, 1 a request"].total,
            costs[f"{stage}, 10 a request"].total,
            measured_wait["clicks_per_request"],
            measured_wait["repeated_share"],
        )
        for stage in stages or stages_of_settings()
        if not sizes
    }
    idle = alarm_metrics() * prices["alarm_metric_per_month"]
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
