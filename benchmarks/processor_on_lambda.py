"""The processor's bundle under awslambdaric: init, the first batch, and a warm one.

python -m benchmarks.processor_on_lambda [--rounds 5]
"""

import argparse
import json
from base64 import b64decode
from statistics import median

from benchmarks.batches import make_event
from benchmarks.function import environment
from benchmarks.machine import ROOT, versions
from benchmarks.processor import serve_catalogue, served
from benchmarks.publish import Table, publish
from benchmarks.runtime_api import live

BUNDLE = ROOT / ".run" / "stage" / "build" / "processor"
WARM_BATCHES = 5


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    batch = make_event(urls=300, agents=200)
    clicks = sum(len(json.loads(b64decode(record["data"]))["clicks"]) for record in batch["records"])
    with served(serve_catalogue) as url:
        variables = environment("") | {"CATALOGUE_URL": f"{url}/mysfits/{{id}}"}
        lives = [
            live(BUNDLE, "processor.handler.lambda_handler", [batch] * (1 + WARM_BATCHES), variables)
            for _ in range(rounds)
        ]
    init, first = median(life.init for life in lives), median(life.requests[0] for life in lives)
    warm = median(median(life.requests[1:]) for life in lives)
    per_click = warm * 1000 / clicks
    columns = ["the processor under awslambdaric", "ms"]
    rows = [
        ["init", f"{init:.0f}"],
        [f"the first batch of {clicks:,} clicks", f"{first:.0f}"],
        [f"a warm batch ({per_click:.1f} µs per click, including Lambda's own JSON and HTTP)", f"{warm:.0f}"],
    ]
    figures = {"init": init, "first": first, "warm": warm, "clicks": clicks, "us_per_click": per_click}
    pins = versions("processor/requirements.txt", "msgspec", "pybase64", "requests")
    publish("processor_on_lambda", [Table(columns, rows, f"Medians of {rounds} starts.")], figures, pins)


if __name__ == "__main__":
    main()
