"""`cost`: the arithmetic by hand, and the command over the repository's own measurements."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from clicklake.cli.group import main
from clicklake.cost import command as cost
from clicklake.cost import estimate
from clicklake.cost.breakdown import MILLION, FunctionCost, PipelineConfig, cost_per_million
from clicklake.cost.month import MONTH, usd_of
from tests.cloudformation.templates import load
from tests.support.paths import ROOT

PRICES = json.loads((Path(cost.__file__).with_name("prices.json")).read_text())
ARM = FunctionCost("arm64", 512, cpu_us=600, wait_ms=8, log_bytes=0)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["cost", *arguments])


def test_price_table_is_dated_and_says_that_it_is_to_be_checked() -> None:
    assert date.fromisoformat(PRICES["at"])
    assert "Check them" in PRICES["note"]
    assert PRICES["sources"]


def test_workshops_design_costs_a_gateway_request_and_a_rounded_record_a_click() -> None:
    it = cost_per_million(
        PipelineConfig("rest_api", 1, record_bytes=100, answer_bytes=400), PRICES, processor_us=10
    )
    assert it.gateway == pytest.approx(3.50)
    assert it.firehose == pytest.approx(MILLION * 5120 / 2**30 * 0.029)
    assert (it.function, it.logs) == (0, 0)
    assert it.total == pytest.approx(3.68, abs=0.02)


def test_function_is_billed_by_whole_milliseconds_at_its_share_of_a_cpu() -> None:
    # 8 ms + 0.6 ms of CPU at 512/1769 of a core = 10.07 ms, billed as 11.
    it = cost_per_million(PipelineConfig("http_api", 10, 4000, 1500, ARM), PRICES, processor_us=10)
    assert it.function == pytest.approx(100_000 * (0.2 / MILLION + 0.011 * 0.5 * 0.0000133334))


def test_a_function_never_has_more_than_one_cpu_of_its_memory() -> None:
    large = ARM._replace(memory_mib=3538, cpu_us=10_000, wait_ms=0)
    it = cost_per_million(PipelineConfig("http_api", 1, 100, 100, large), PRICES, processor_us=10)
    assert it.function == pytest.approx(0.2 + MILLION * 0.010 * 3538 / 1024 * 0.0000133334)


@pytest.mark.parametrize(("record_bytes", "units"), [(1, 1), (5120, 1), (5121, 2), (250_000, 49)])
def test_firehose_bills_each_record_in_whole_five_kilobytes(record_bytes: int, units: int) -> None:
    it = cost_per_million(PipelineConfig("rest_api", 10, record_bytes, 0, ARM), PRICES, processor_us=10)
    assert it.firehose == pytest.approx(100_000 * units * 5120 / 2**30 * 0.029)


def test_log_of_ours_is_billed_beside_lambdas_own() -> None:
    quiet = cost_per_million(PipelineConfig("rest_api", 1, 1, 1, ARM), PRICES, 10)
    loud = cost_per_million(PipelineConfig("rest_api", 1, 1, 1, ARM._replace(log_bytes=11_200)), PRICES, 10)
    assert loud.logs - quiet.logs == pytest.approx(5.60)


def test_more_clicks_a_request_cost_less() -> None:
    totals = [
        cost_per_million(PipelineConfig("http_api", n, 400 * n, 600, ARM), PRICES, 10).total
        for n in (1, 2, 10, 50, 500)
    ]
    assert totals == sorted(totals, reverse=True)


def test_command_bills_both_stages_and_what_others_do() -> None:
    done = run("--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)["perMillionClicks"]
    for stage in ("dev", "production"):
        for clicks in (1, 10, 50, 500):
            assert found[f"{stage}, {clicks} a request"]["total"] > 0
    assert found["production, 10 a request"]["gateway"] == pytest.approx(0.10)
    assert found["dev, 10 a request"]["gateway"] == pytest.approx(0.35)
    assert any("workshop" in name for name in found)
    assert found["Zappa's defaults, 1 a request"]["logs"] > found["dev, 1 a request"]["logs"]


def test_command_keeps_to_the_stage_and_size_asked_for() -> None:
    found = json.loads(run("--json", "--stage", "production", "--clicks-per-request", "50").output)
    ours = [name for name in found["perMillionClicks"] if name.endswith("50 a request")]
    assert ours == ["production, 50 a request"]
    assert not any(name.startswith("dev") for name in found["perMillionClicks"])


def test_slower_firehose_costs_more() -> None:
    def total(milliseconds: str) -> float:
        found = json.loads(run("--json", "--firehose-ms", milliseconds).output)
        return float(found["perMillionClicks"]["dev, 1 a request"]["function"])

    assert total("8") < total("50")


def test_table_names_prices_date_published_figures_and_the_idle_month(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "220")
    output = run().output
    assert PRICES["at"] in output
    assert "serverless-website-analytics" in output
    assert "A month without a click" in output


def test_idle_month_is_of_every_metric_that_an_alarm_looks_at() -> None:
    alarms = [
        each["Properties"]
        for each in load(ROOT / "cloudformation/alarms.yaml")["Resources"].values()
        if each["Type"] == "AWS::CloudWatch::Alarm"
    ]
    looked_at = sum(sum("MetricStat" in it for it in each.get("Metrics", [])) or 1 for each in alarms)
    assert looked_at > len(alarms) > 0
    found = json.loads(run("--json").output)
    assert found["idlePerMonth"] == pytest.approx(looked_at * PRICES["alarm_metric_per_month"])


def test_unknown_stage_is_named() -> None:
    done = run("--stage", "nowhere")
    assert done.exit_code == 2
    assert "nowhere" in done.output


def test_missing_measurements_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(estimate, "ROOT", tmp_path)
    done = run()
    assert done.exit_code == 2
    assert "make bench" in done.output


def test_price_at_the_trackers_default_wait_lies_between_one_and_ten_clicks_per_request() -> None:
    document = json.loads(run("--stage", "production", "--json").output)
    prices, at_default = document["perMillionClicks"], document["perMillionAtDefaultWait"]["production"]
    one, ten = (prices[f"production, {size} a request"]["total"] for size in (1, 10))
    assert ten < at_default < one
    printed = run("--stage", "production").output.replace("\n", " ")
    assert f"{at_default:.2f} USD per million clicks" in printed


def test_a_months_clicks_cost_what_the_command_says_of_them() -> None:
    """A million clicks in a tenth as many requests cost the price of ten a request, and the alarms."""
    since = datetime(2026, 11, 1, tzinfo=UTC)
    document = json.loads(run("--stage", "production", "--json").output)
    of_ten = document["perMillionClicks"]["production, 10 a request"]["total"]
    of_one = document["perMillionClicks"]["production, 1 a request"]["total"]
    idle = document["idlePerMonth"]
    end = since + MONTH
    assert usd_of("production", MILLION, MILLION // 10, since, end) == pytest.approx(of_ten + idle)
    assert usd_of("production", MILLION, MILLION // 50, since, end) == pytest.approx(of_ten + idle)
    assert usd_of("production", MILLION, MILLION, since, end) == pytest.approx(of_one + idle)
    assert usd_of("production", 0, 0, since, since + MONTH / 2) == pytest.approx(idle / 2)
