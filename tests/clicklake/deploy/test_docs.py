"""docs/deploy.md agrees with the deployment: its settings, its limits, its names."""

import json
import re

import pytest

from clicklake.deploy import names, settings
from clicklake.deploy.publish import CACHED_FOR_MINUTES
from clicklake.deploy.resources.api import BURST_REQUESTS, REQUESTS_PER_SECOND
from tests.cloudformation.templates import load, resources_of
from tests.support.paths import ROOT

DOCS = (ROOT / "docs" / "deploy.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()


@pytest.mark.parametrize("name", [*sorted(settings.MANAGED_PARAMETERS), *settings.INGEST_SETTINGS])
def test_every_setting_is_documented(name: str) -> None:
    section = DOCS.split("## Settings")[1].split("## By hand")[0]
    assert f"`{name}`" in section


def test_the_steps_by_hand_set_the_same_throttle_as_the_deployment() -> None:
    assert re.findall(r"rateLimit,value=(\d+)", DOCS) == [str(REQUESTS_PER_SECOND)]
    assert re.findall(r"burstLimit,value=(\d+)", DOCS) == [str(BURST_REQUESTS)]
    http_api = f"ThrottlingRateLimit={REQUESTS_PER_SECOND},ThrottlingBurstLimit={BURST_REQUESTS}"
    assert http_api in DOCS.split("## By hand, production")[1]
    for document in (DOCS, ARCHITECTURE):
        assert f"{REQUESTS_PER_SECOND:,} requests per second" in document


def test_the_steps_by_hand_publish_files_with_the_same_cache_lifetime() -> None:
    assert set(re.findall(r"--cache-control '([^']+)'", DOCS)) == {CACHED_FOR_MINUTES}


@pytest.mark.parametrize("stack", [names.lake_stack, names.site_stack, names.alarms_stack, names.zappa])
def test_every_stack_is_documented(stack: "type[str]") -> None:
    assert f"`{stack('<stage>')}`" in DOCS


QUOTAS = {"": (2_000, 5 * 2**20), ", other regions": (1_000, 2**20)}  # Direct PUT: requests, bytes a second


@pytest.mark.parametrize("region", QUOTAS)
@pytest.mark.parametrize("clicks", [1, 10, 50])
def test_the_clicks_per_second_follow_from_the_quotas(clicks: int, region: str) -> None:
    requests, stream_bytes = QUOTAS[region]
    (row,) = re.findall(rf"^\| {clicks}{region} \|(.*)\|$", ARCHITECTURE, re.MULTILINE)
    throttled, put, divided, clicks_per_second = (cell.strip(" *") for cell in row.split("|"))
    size = int(re.findall(r"÷ (\d+) =", divided)[0])
    bounds = [REQUESTS_PER_SECOND * clicks, requests * clicks, stream_bytes // size]
    assert [throttled, put] == [f"{bounds[0]:,}", f"{bounds[1]:,}"]
    assert divided == f"{stream_bytes:,} ÷ {size} = {bounds[2]:,}"
    assert clicks_per_second == f"{min(bounds):,}"


def test_the_idle_cost_counts_every_alarm() -> None:
    alarms = resources_of(load(ROOT / "cloudformation" / "alarms.yaml"), "AWS::CloudWatch::Alarm")
    metrics = [
        sum("MetricStat" in query for query in alarm.get("Metrics", [])) or 1 for alarm in alarms.values()
    ]
    assert (len(metrics), sum(metrics)) == (13, 16)
    prose = " ".join(ARCHITECTURE.split())
    assert "thirteen alarms, of which three watch two metrics, are sixteen alarm metrics" in prose


@pytest.mark.parametrize(
    ("row", "files", "requests_a_file"),
    [("60, 60 (the default)", 1_440, 1), ("0, 60", 1_440, 3), ("0, 0", 17_280, 3)],
)
def test_the_price_of_small_buffers_follows_from_the_prices(
    row: str, files: int, requests_a_file: int
) -> None:
    prices = json.loads((ROOT / "clicklake" / "cost" / "prices.json").read_text())
    month = files * 365 / 12
    puts = month * requests_a_file / 1000 * prices["s3_per_thousand_puts"]
    calls = month / 1e6 * prices["lambda_per_million"]
    (cells,) = re.findall(rf"^\| {re.escape(row)} \|(.*)\|$", ARCHITECTURE, re.MULTILINE)
    _, files_a_day, writes, invocations = (cell.strip() for cell in cells.split("|"))
    assert files_a_day == f"{files:,}"
    assert (writes, invocations) == (f"${puts:.2f} a month", f"${calls:.2f} a month")
