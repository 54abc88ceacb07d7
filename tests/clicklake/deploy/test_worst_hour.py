"""What an hour of the worst flood costs, by the limits that `deploy` prints it for."""

import json

import pytest

from clicklake.deploy.resources.api import REQUESTS_PER_SECOND
from clicklake.deploy.worst_hour import (
    MAX_ANSWER_BYTES,
    Limits,
    describe_worst_hour,
    limits_of,
    worst_hour,
)
from ingest_app import receipts
from ingest_app.clicks import MAX_CLICKS
from tests.support.paths import ROOT

REST = Limits("rest_api", 1_000, 200, 512, "arm64", 1, 15)
HTTP = REST._replace(gateway="http_api")


@pytest.mark.parametrize(
    ("limits", "part", "usd"),
    [
        (REST, "gateway", 12.60),  # 3.6 million requests at 3.50 a million
        (HTTP, "gateway", 72.00),  # each of 10 MiB is 20 pieces of 512 KiB, at 1.00 a million
        (REST, "function", 5.52),  # 0.72 for requests, and 200 executions x 3,600 s x 0.5 GB
        (REST._replace(concurrency=1000), "function", 24.72),
        (REST._replace(requests_per_second=10), "function", 3.61),  # 150 of them at once, not 200
        (REST, "logs", 1.35),
        (REST, "data_out", 21.06),
        (REST, "firehose", 0.10),
        (REST._replace(firehose_mib_per_second=5), "firehose", 0.51),
        (REST, "processor", 2.88),
        (REST, "total", 43.51),
        (REST._replace(requests_per_second=100), "total", 11.36),
    ],
)
def test_each_part_is_its_limit_times_its_price(limits: Limits, part: str, usd: float) -> None:
    assert getattr(worst_hour(limits), part) == pytest.approx(usd, abs=0.01)


@pytest.mark.parametrize(
    ("stage", "region", "gateway", "mib"),
    [("dev", "us-east-1", "rest_api", 5), ("production", "eu-central-1", "http_api", 1)],
)
def test_limits_are_those_of_the_stage(stage: str, region: str, gateway: str, mib: int) -> None:
    limits = limits_of(stage, region, 200)
    assert limits == Limits(gateway, REQUESTS_PER_SECOND, 200, 512, "arm64", mib, 15)


def test_sum_and_largest_parts_are_said_in_one_line() -> None:
    line = describe_worst_hour(HTTP)
    assert line.startswith("an hour of the worst flood costs at most 103 USD (gateway 72, data out 21, ")
    assert "1,000 requests a second and 200 executions" in line
    assert "\n" not in line


def test_no_answer_is_larger_than_the_sum_assumes() -> None:
    answer = receipts.MAX_ANSWER_HEAD_BYTES + receipts.MAX_ANSWER_BYTES_PER_CLICK * MAX_CLICKS
    assert answer + receipts.MAX_DETAIL_BYTES <= MAX_ANSWER_BYTES
    assert len((ROOT / "ingest_app" / "openapi.json").read_bytes()) <= MAX_ANSWER_BYTES


def test_docs_have_the_figures_of_the_defaults() -> None:
    docs = (ROOT / "docs" / "security.md").read_text()
    prices = json.loads((ROOT / "clicklake" / "cost" / "prices.json").read_text())
    assert prices["at"] in docs
    for limits in (REST, HTTP, *(each._replace(firehose_mib_per_second=5) for each in (REST, HTTP))):
        assert f"{worst_hour(limits).total:.0f}" in docs
