"""The demo: believable visits, the same for the same seed, through the real API to a report."""

import json
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from clicklake.cli.group import main
from clicklake.demo.traffic import BOTS, day_of_traffic
from clicklake.lake.partitions import HOUR

END = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)


def test_the_same_seed_makes_the_same_day_and_another_seed_another() -> None:
    assert day_of_traffic(END, 50, seed=1) == day_of_traffic(END, 50, seed=1)
    assert day_of_traffic(END, 50, seed=1) != day_of_traffic(END, 50, seed=2)


def test_a_day_is_24_hours_in_order_busier_in_the_evening_than_at_night() -> None:
    day = day_of_traffic(END, 500, seed=7)
    times = [request.at for request in day]
    assert times == sorted(times)
    assert END - 24 * HOUR < times[0] < END - 23 * HOUR
    assert END - HOUR < times[-1] < END
    busy = Counter(at.hour for at in times)
    assert busy[20] > 4 * busy[3]


def test_a_day_has_robots_campaigns_opt_outs_and_wrong_clocks() -> None:
    day = day_of_traffic(END, 500, seed=7)
    agents = {request.visitor.headers["User-Agent"] for request in day}
    assert agents & {agent for _, agent in BOTS}
    assert any("Sec-GPC" in request.visitor.headers for request in day)
    assert any(request.visitor.clock_error for request in day)
    clicks = [click for request in day for click in request.clicks]
    assert any("utm_campaign" in click["url"] for click in clicks)
    assert {"pageview", "click", "outbound", "adopted"} == {click["type"] for click in clicks}
    assert len({click["eventId"] for click in clicks}) == len(clicks)


@pytest.mark.e2e
def test_the_demo_ends_with_a_report_of_what_it_sent(
    tmp_path: Path, aws_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in aws_env:
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, "overwritten")
    out = tmp_path / "demo.html"
    result = CliRunner().invoke(
        main, ["demo", "--once", "--json", "--sessions", "60", "--out", str(out)], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert printed.keys() == {"report", "live", "s3"}
    assert printed["report"] == out.as_uri()
    progress = result.stderr.splitlines()  # not a terminal: lines instead of a bar
    assert progress[0] == "starting the local cloud …"
    assert progress[-3:] == ["  100 % sent", "compacting the day …", "writing the report …"]
    html = out.read_text()
    sent = [click for request in day_of_traffic(END, 60, seed=7) for click in request.clicks]
    assert len(sent) > 100
    for told in (
        "A demo: these visits are made up",
        "Lambda.",
        "Catalogue lookups",
        "headless",
    ):
        assert told in html


@pytest.mark.e2e
def test_a_demo_that_cannot_start_says_why_and_keeps_its_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))  # stops the local cloud at once
    result = CliRunner().invoke(main, ["demo", "--once", "--out", str(tmp_path / "demo.html")])
    assert result.exit_code == 2
    lines = [line.removeprefix("clicklake: ") for line in result.stderr.splitlines()]
    _, first, *_, reason, kept = lines
    assert first == "the demo failed: clicklake run did not start"
    assert reason.startswith("clicklake-run: clicklake: TMPDIR=")
    folder = Path(kept.removeprefix("nothing was deleted: "))
    assert (folder / "log" / "clicklake-run.log").exists()
    shutil.rmtree(folder)
