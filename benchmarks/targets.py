"""What was promised, and what the last run of each command reached: `python -m benchmarks.targets`.

Exits with 1 where a promise is not kept.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from benchmarks.designs import APIG_WSGI, BARE, CHALICE, FASTAPI, FRAMEWORKS, POWERTOOLS, ZAPPA
from benchmarks.publish import Table, publish, read_results

Results = dict[str, Any]


class Target(NamedTuple):
    what: str
    at_most: float
    command: str
    reached: Callable[[Results], float]
    digits: int = 2


def targets() -> Iterator[Target]:
    for design, at_most in (
        (ZAPPA, 0.33),
        (FASTAPI, 0.30),
        (APIG_WSGI, 0.36),
        (POWERTOOLS, 0.45),
        (CHALICE, 0.55),
        (BARE, 0.60),
    ):
        yield Target(f"cold start ÷ {design.title}", at_most, "cold", cold_ratio(design.name))
    yield Target(
        "first request under awslambdaric, ms", 5, "cold", lambda it: it["cold"]["clicklake"]["first"], 1
    )
    yield Target(
        "the same ÷ Zappa's defaults", 0.04, "cold", lambda it: it["cold"]["zappa"]["first_ratio"], 3
    )
    yield Target(
        "warm CPU, one click ÷ Zappa's defaults", 0.60, "warm", lambda it: cpu(it) / cpu(it, "zappa")
    )
    yield Target("the same ÷ the best of the frameworks", 1.10, "warm", lambda it: cpu(it) / best_cpu(it))
    for clicks, at_most in (("10", 0.14), ("500", 0.015)):
        what = f"CPU of a click at {clicks} ÷ at one click a request"
        yield Target(what, at_most, "warm", per_click_ratio(clicks), 3)
    yield Target("log of ours, bytes an accepted click", 0, "warm", most_log, 0)
    yield Target(
        "bundle zipped, boto3 included, MB", 5.0, "cold", lambda it: it["cold"]["clicklake"]["zipped_mb"], 1
    )
    for stage, usd in (("dev", 0.45), ("production", 0.20)):
        yield Target(f"USD per million clicks, 10 a request, {stage}", usd, "cost", usd_per_million(stage))
    share = "bytes for Athena, columns ÷ gzip lines"
    yield Target(share, 1 / 13, "athena_bytes", lambda it: 1 / it["athena_bytes"]["ratio"], 3)
    yield Target("the keeper's bundle zipped, MB", 30, "keeper", lambda it: it["keeper"]["zipped_mb"], 1)
    memory = "its memory for 1,000,000 events in an hour, MiB"
    yield Target(memory, 1769, "keeper", lambda it: it["keeper"]["peak_mib"], 0)
    yield Target("memory's peak after 10,000 requests ÷ after 100", 1.05, "memory", most_growth, 3)


def cold_ratio(design: str) -> Callable[[Results], float]:
    return lambda results: results["cold"][design]["whole_ratio"]


def cpu(results: Results, design: str = "clicklake", clicks: str = "1") -> float:
    found: float = results["warm"][design][clicks]["cpu_us"]
    return found


def best_cpu(results: Results) -> float:
    return min(cpu(results, design.name) for design in FRAMEWORKS)


def per_click_ratio(clicks: str) -> Callable[[Results], float]:
    return lambda results: cpu(results, clicks=clicks) / int(clicks) / cpu(results)


def most_log(results: Results) -> float:
    return max(float(cost["log_bytes"]) for cost in results["warm"]["clicklake"].values())


def usd_per_million(stage: str) -> Callable[[Results], float]:
    return lambda results: float(results["cost"]["perMillionClicks"][f"{stage}, 10 a request"]["total"])


def most_growth(results: Results) -> float:
    return max(float(mix["ratio"]) for mix in results["memory"]["mixes"].values())


def main() -> int:
    results = read_results()
    rows, figures = [], {}
    for target in targets():
        reached = target.reached(results)
        kept = "" if reached <= target.at_most else "**missed**"
        figures[target.what] = {"at_most": target.at_most, "reached": reached}
        at_most, figure = (f"{value:.{target.digits}f}" for value in (target.at_most, reached))
        rows.append([target.what, at_most, figure, kept, f"`benchmarks.{target.command}`"])
    columns = ["target", "at most", "reached", "", "measured by"]
    publish("targets", [Table(columns, rows)], figures, {})
    return any(figure["reached"] > figure["at_most"] for figure in figures.values())


if __name__ == "__main__":
    sys.exit(main())
