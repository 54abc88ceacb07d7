"""What `clicklake cost` says, for the page: dollars per million clicks, from the last measurements.

python -m benchmarks.cost
"""

import json
import subprocess

from benchmarks.machine import ENVS, ROOT
from benchmarks.publish import Table, publish

PARTS = ("gateway", "function", "logs", "firehose", "processor", "s3", "data_out")


def main() -> None:
    command = [str(ENVS / "cli" / "bin" / "python"), "-m", "clicklake", "cost", "--json"]
    costs = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)  # noqa: S603
    rows = [
        [name, *(f"{cost[part]:.3f}" for part in PARTS), f"{cost['total']:.2f}"]
        for name, cost in costs["perMillionClicks"].items()
    ]
    ours = Table(["USD per million clicks", *(part.replace("_", " ") for part in PARTS), "total"], rows)
    published = [
        [
            f"{it['name']} ({it['source']})",
            f"{it['usd_per_month']:.2f}",
            f"{it['usd_per_month'] / it['millions_per_month']:.2f}",
        ]
        for it in costs["prices"]["published"]
    ]
    others = Table(["published by others", "USD per month", "USD per million clicks at that load"], published)
    prices = costs["prices"]
    note = f"Prices of {prices['at']}, {prices['region']}. {prices['note']} "
    note += f"Without any click, the alarms cost at most {costs['idlePerMonth']:.2f} USD a month."
    publish("cost", [ours, others, note], costs, {})


if __name__ == "__main__":
    main()
