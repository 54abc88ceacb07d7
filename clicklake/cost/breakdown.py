"""What a million clicks cost: the arithmetic, over prices and measurements that others read."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

MILLION = 1_000_000
GB = 1_000_000_000
GIB = 2**30

FIREHOSE_ROUNDS_TO_BYTES = 5 * 1024  # each record, up: aws.amazon.com/firehose/pricing/
MIB_OF_A_CPU = 1769  # docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
PLATFORM_LOG_BYTES = 350  # Lambda's own START, END and REPORT lines of one request
LINE_BYTES = 150  # of one click in clicks/ and raw/ together, gzipped: what S3 keeps
BATCH_BYTES = 1024 * 1024  # what Firehose hands the processor at once

Prices = Mapping[str, Any]


class Function(NamedTuple):
    """What answers a request."""

    architecture: str
    memory_mib: int
    cpu_us: float
    """A request's, on a whole core."""
    wait_ms: float
    """Until Firehose has answered."""
    log_bytes: float
    """A request's, Lambda's own lines left out."""


class Way(NamedTuple):
    """How clicks reach Firehose."""

    gateway: str
    """rest_api or http_api."""
    clicks_per_request: int
    record_bytes: int
    answer_bytes: int
    function: Function | None = None
    """None: the gateway itself puts the record."""


class Bill(NamedTuple):
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


def bill(way: Way, prices: Prices, processor_us: float) -> Bill:
    """`processor_us` is the CPU of a click in the processor, which has 512 MiB."""
    requests = MILLION / way.clicks_per_request
    units = math.ceil(way.record_bytes / FIREHOSE_ROUNDS_TO_BYTES)
    raw_bytes = requests * way.record_bytes
    log_bytes = way.function.log_bytes + PLATFORM_LOG_BYTES if way.function else 0
    return Bill(
        gateway=requests / MILLION * prices[f"{way.gateway}_per_million"],
        function=invocations(requests, _billed_ms(way.function), way.function, prices) if way.function else 0,
        logs=requests * log_bytes / GB * prices["logs_per_gb"],
        firehose=requests * units * FIREHOSE_ROUNDS_TO_BYTES / GIB * prices["firehose_per_gb"],
        processor=_processor(raw_bytes / BATCH_BYTES, processor_us, prices),
        s3=MILLION * LINE_BYTES / GB * prices["s3_per_gb_month"],
        data_out=requests * way.answer_bytes / GB * prices["data_out_per_gb"],
    )


def invocations(count: float, billed_ms: float, function: Function, prices: Prices) -> float:
    gb_seconds = count * billed_ms / 1000 * function.memory_mib / 1024
    per_gb_second: float = prices["lambda_per_gb_second"][function.architecture]
    per_million: float = prices["lambda_per_million"]
    return count / MILLION * per_million + gb_seconds * per_gb_second


def _billed_ms(function: Function) -> int:
    """Whole milliseconds; a function has the share of a CPU that its memory is of 1,769 MiB."""
    share = min(1.0, function.memory_mib / MIB_OF_A_CPU)
    return math.ceil(function.wait_ms + function.cpu_us / 1000 / share)


def _processor(batches: float, click_us: float, prices: Prices) -> float:
    function = Function("arm64", 512, MILLION * click_us / batches, 0, 0)
    return invocations(batches, _billed_ms(function), function, prices)
