"""What a stage's clicks cost in a span of time, from its counts."""

from datetime import datetime, timedelta

from clicklake.cost.breakdown import MILLION, cost_per_million, interpolate
from clicklake.cost.estimate import (
    FIREHOSE_MS,
    configs_of,
    count_alarm_metrics,
    read_measurements,
    read_prices,
)

MAX_CLICKS_PER_REQUEST = 10.0  # more clicks in a request change the price of a click little
MONTH = timedelta(days=30)


def usd_of(model: str, clicks: int, requests: int, since: datetime, now: datetime) -> float:
    """Return the USD of these clicks in these requests, and of the alarms from `since` to `now`.

    `model` is the stage of zappa_settings.json that the stage is like. The prices are list prices, without
    free tiers. Storage is that of these clicks for a month.
    """
    prices = read_prices()
    alarms = count_alarm_metrics() * prices["alarm_metric_per_month"] * ((now - since) / MONTH)
    if not clicks:
        return float(alarms)
    measured = read_measurements()
    processor_us = measured["processor_on_lambda"]["us_per_click"]
    one, ten = (
        cost_per_million(config, prices, processor_us).total
        for config in configs_of((model,), ("1", "10"), measured, FIREHOSE_MS).values()
    )
    per_request = min(max(clicks / (requests or clicks), 1.0), MAX_CLICKS_PER_REQUEST)
    return float(alarms) + interpolate(one, ten, per_request, 0) * clicks / MILLION
