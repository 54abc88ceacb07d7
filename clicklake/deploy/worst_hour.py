"""Compute what an hour of the worst flood costs, from a stage's limits and list prices.

Every figure is a bound: the flood sends as many requests as the API's throttle lets through, each as large
and as slow as one can be, and each gets the largest answer. docs/security.md explains the sums.
"""

import json
from typing import NamedTuple

from clicklake.cli.checkout import ROOT
from clicklake.deploy.resources.api import REQUESTS_PER_SECOND

HOUR_SECONDS = 3600
MILLION = 1_000_000
GB = 1_000_000_000
MIB = 2**20

ACCOUNT_CONCURRENCY = 1000  # docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
# What a stream accepts by PutRecord, and in which regions it accepts more:
# docs.aws.amazon.com/firehose/latest/dev/limits.html
FIREHOSE_MIB_PER_SECOND = 1
FIREHOSE_MIB_PER_SECOND_LARGE = 5
LARGE_REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
# An HTTP API is billed in pieces of 512 KiB, up to 10 MiB a request; a REST API is not.
# aws.amazon.com/api-gateway/pricing/
HTTP_API_PIECES = 20
MAX_ANSWER_BYTES = 64_000  # ingest_app/receipts.py, and the description of the API; a test holds it
HEADER_BYTES = 1000
LOG_BYTES = 750  # of a request that is refused: ours and Lambda's own lines
PROCESSOR_SECONDS_PER_BATCH = 60  # its timeout
PROCESSOR_BATCH_MIB = 0.5
PROCESSOR_MIB = 512


class Limits(NamedTuple):
    """What bounds a flood of one stage."""

    gateway: str
    """`rest_api` or `http_api`."""
    requests_per_second: int
    concurrency: int
    """Executions of the ingest function at once."""
    memory_mib: int
    architecture: str
    firehose_mib_per_second: int
    function_seconds: int
    """The longest that a request may run."""


class WorstHour(NamedTuple):
    """USD for one hour."""

    gateway: float
    function: float
    logs: float
    data_out: float
    firehose: float
    processor: float

    @property
    def total(self) -> float:
        return sum(self)


def worst_hour(limits: Limits) -> WorstHour:
    """Return what the flood costs. What CloudFront and the site's own files cost is not in it."""
    prices = json.loads((ROOT / "clicklake" / "cost" / "prices.json").read_text())
    requests = limits.requests_per_second * HOUR_SECONDS
    pieces = HTTP_API_PIECES if limits.gateway == "http_api" else 1
    per_gb_second: float = prices["lambda_per_gb_second"][limits.architecture]
    busy = min(limits.concurrency, limits.requests_per_second * limits.function_seconds)
    mib = limits.firehose_mib_per_second * HOUR_SECONDS
    processor_seconds = mib / PROCESSOR_BATCH_MIB * PROCESSOR_SECONDS_PER_BATCH
    return WorstHour(
        gateway=requests * pieces / MILLION * prices[f"{limits.gateway}_per_million"],
        function=requests / MILLION * prices["lambda_per_million"]
        + busy * HOUR_SECONDS * limits.memory_mib / 1024 * per_gb_second,
        logs=requests * LOG_BYTES / GB * prices["logs_per_gb"],
        data_out=requests * (MAX_ANSWER_BYTES + HEADER_BYTES) / GB * prices["data_out_per_gb"],
        firehose=mib / 1024 * prices["firehose_per_gb"],
        processor=processor_seconds * PROCESSOR_MIB / 1024 * per_gb_second,
    )


def limits_of(model: str, region: str, concurrency: int) -> Limits:
    """Return the limits of a stage that is like `model`, a stage of zappa_settings.json."""
    settings = json.loads((ROOT / "zappa_settings.json").read_text())
    options = settings.get(settings[model].get("extends"), {}) | settings[model]
    large = region in LARGE_REGIONS
    return Limits(
        gateway="http_api" if options.get("apigateway_version") == "v2" else "rest_api",
        requests_per_second=REQUESTS_PER_SECOND,
        concurrency=concurrency,
        memory_mib=options["memory_size"],
        architecture=options["architecture"],
        firehose_mib_per_second=FIREHOSE_MIB_PER_SECOND_LARGE if large else FIREHOSE_MIB_PER_SECOND,
        function_seconds=options["timeout_seconds"],
    )


def describe_worst_hour(limits: Limits) -> str:
    """Say the sum and its largest parts in one line."""
    costs = worst_hour(limits)
    parts = sorted(costs._asdict().items(), key=lambda part: -part[1])
    largest = ", ".join(f"{name.replace('_', ' ')} {usd:.0f}" for name, usd in parts[:3])
    return (
        f"an hour of the worst flood costs at most {costs.total:.0f} USD ({largest}),"
        f" at {limits.requests_per_second:,} requests a second and {limits.concurrency:,} executions:"
        " docs/security.md"
    )
