"""The arithmetic of what a million clicks cost, from prices and measurements that the caller reads."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

MILLION = 1_000_000
GB = 1_000_000_000
GIB = 2**30

FIREHOSE_ROUNDS_TO_BYTES = 5 * 1024  # each record is rounded up: aws.amazon.com/firehose/pricing/
MIB_PER_VCPU = 1769  # docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
PLATFORM_LOG_BYTES = 350  # Lambda's own START, END and REPORT lines per request
LINE_BYTES = 150  # a click's gzipped bytes in clicks/ and raw/ together, stored in S3
BATCH_BYTES = 1024 * 1024  # of records in one invocation of the processor

Prices = Mapping[str, Any]


class FunctionCost(NamedTuple):
    """What one request takes of a function."""

    architecture: str
    memory_mib: int
    cpu_us: float
    """CPU of one request, on a whole core."""
    wait_ms: float
    """Time until Firehose has answered."""
    log_bytes: float
    """Log of one request, without Lambda's own lines."""


class PipelineConfig(NamedTuple):
    """How clicks reach Firehose."""

    gateway: str
    """`rest_api` or `http_api`."""
    clicks_per_request: int
    record_bytes: int
    answer_bytes: int
    function: FunctionCost | None = None
    """None if the gateway itself puts the record."""


class CostBreakdown(NamedTuple):
    """USD per million clicks."""

    gateway: float
    function: float
    logs: float
    firehose: float
    processor: float
    s3: float
    data_out: float

    @property
    def total(self) -> float:
        return sum(self)


def cost_per_million(config: PipelineConfig, prices: Prices, processor_us: float) -> CostBreakdown:
    """Return the cost of a million clicks. `processor_us` is the processor's CPU per click, at 512 MiB."""
    requests = MILLION / config.clicks_per_request
    units = math.ceil(config.record_bytes / FIREHOSE_ROUNDS_TO_BYTES)
    raw_bytes = requests * config.record_bytes
    function = config.function
    log_bytes = function.log_bytes + PLATFORM_LOG_BYTES if function else 0
    return CostBreakdown(
        gateway=requests / MILLION * prices[f"{config.gateway}_per_million"],
        function=invocations(requests, _billed_ms(function), function, prices) if function else 0,
        logs=requests * log_bytes / GB * prices["logs_per_gb"],
        firehose=requests * units * FIREHOSE_ROUNDS_TO_BYTES / GIB * prices["firehose_per_gb"],
        processor=_processor(raw_bytes / BATCH_BYTES, processor_us, prices),
        s3=MILLION * LINE_BYTES / GB * prices["s3_per_gb_month"],
        data_out=requests * config.answer_bytes / GB * prices["data_out_per_gb"],
    )


def interpolate(
    usd_of_one: float, usd_of_ten: float, clicks_per_request: float, repeated_share: float
) -> float:
    """Return the USD per million different clicks when a request carries 1 to 10 clicks on average.

    `usd_of_one` and `usd_of_ten` are the USD per million clicks at one and at ten clicks per request. In
    between, the cost of a request grows linearly with its clicks. `repeated_share` is the share of clicks
    that are sent twice.
    """
    one, ten = usd_of_one, 10 * usd_of_ten  # per million requests
    usd_per_request = one + (ten - one) * (clicks_per_request - 1) / 9
    return usd_per_request * (1 + repeated_share) / clicks_per_request


def invocations(count: float, billed_ms: float, function: FunctionCost, prices: Prices) -> float:
    gb_seconds = count * billed_ms / 1000 * function.memory_mib / 1024
    per_gb_second: float = prices["lambda_per_gb_second"][function.architecture]
    per_million: float = prices["lambda_per_million"]
    return count / MILLION * per_million + gb_seconds * per_gb_second


def _billed_ms(function: FunctionCost) -> int:
    """Return the billed duration in whole milliseconds.

    Lambda allots CPU in proportion to memory: 1,769 MiB is one vCPU.
    """
    share = min(1.0, function.memory_mib / MIB_PER_VCPU)
    return math.ceil(function.wait_ms + function.cpu_us / 1000 / share)


def _processor(batches: float, click_us: float, prices: Prices) -> float:
    function = FunctionCost("arm64", 512, MILLION * click_us / batches, 0, 0)
    return invocations(batches, _billed_ms(function), function, prices)
