"""What a view of the dashboard takes, against `report --lines` over the same events in the emulator's S3.

    .run/envs/test/bin/python -m benchmarks.dashboard [--events 370371] [--days 27]

`--events` are those of a day. The cache of columns is warm. A dashboard keeps its answers about past days, so
the first view is measured without and with them. A view is the page with all panels that it shows at first.
CPU seconds are those of the dashboard's process alone; of the wall time the median and the 95th of 100 of 20
views are printed, each with another filter.
"""

import argparse
import json
import resource
import sys
import time
from datetime import timedelta
from pathlib import Path
from shutil import rmtree
from statistics import median

from benchmarks.column_lake import FIRST_DAY
from benchmarks.columns import BYTES_OF_A_MIB, Lakes, lakes, write

VIEWS = 20
GOALS = {"first view, kept answers": "1/40", "first view, cold": "", "changed filter": "1/50"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=370_371, help="in a day")
    parser.add_argument("--days", type=int, default=27)
    parser.add_argument("--look", metavar="BUCKET", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.look:
        look(options.look, options.days)
        return
    with lakes() as running:
        measure(running, options.events, options.days)


def measure(running: Lakes, events: int, days: int) -> None:
    write(running, "month", events, days)
    lines = running.report("month", days, "--lines", runs=1).cpu_seconds
    running.run("compact", "--bucket", "month")
    running.look("month", days)  # fills the cache of columns
    found = json.loads(running.look("month", days).output)
    print(f"{events * days:,} events in {days} days; `report --lines` takes {lines:.1f} s of CPU.\n")
    print("| | CPU s | ÷ report --lines | at most | wall, s |")
    print("| --- | --: | --: | --: | --: |")
    for name, most in GOALS.items():
        cpu, wall = found[name]["cpu"], found[name]["wall"]
        print(f"| {name} | {cpu:.2f} | 1/{lines / cpu:.0f} | {most} | {wall} |")
    print(f"\nPeak: {found['peak_mib'] * BYTES_OF_A_MIB:.0f} MB (at most 700).")


def look(bucket: str, days: int) -> None:
    """Look at views in this process, as the server would answer them, and print what they took."""
    from clicklake.dashboard.answers.duckdb_answers import DuckdbAnswers
    from clicklake.dashboard.app import create_app
    from clicklake.dashboard.panels import cards_of
    from clicklake.lake.bucket import find_lake
    from clicklake.tables.parquet_cache import ANSWERS, cache_folder

    lake = find_lake("dev", bucket)
    end = FIRST_DAY + timedelta(days=days)
    attributes = ("name", "species")
    shown = [card.panels[0].query for card in cards_of(attributes)]
    span = f"from={FIRST_DAY:%Y-%m-%d}&to={end - timedelta(days=1):%Y-%m-%d}"

    def view(filters: str) -> tuple[float, float]:
        started, before = time.monotonic(), time.process_time()
        for path in ("", *(f"panel/{name}" for name in ("figures", "timeline", *shown))):
            answer = client.get(f"/{path}?{span}{filters}")
            assert answer.status_code == 200, answer.text
        return time.process_time() - before, time.monotonic() - started

    rmtree(cache_folder(lake) / ANSWERS, ignore_errors=True)
    firsts = []
    for _ in ("no answer is kept", "the answers are kept"):
        answers = DuckdbAnswers(lake, attributes, lambda: end + timedelta(hours=30))
        client = create_app(answers, lambda _: None, f"--bucket {bucket}").test_client()
        firsts.append(view(""))
    changed = [view(f"&is=page:/page-{number}.html") for number in range(VIEWS)]
    walls = sorted(wall for _, wall in changed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    json.dump(
        {
            "first view, kept answers": {"cpu": firsts[1][0], "wall": f"{firsts[1][1]:.1f}"},
            "first view, cold": {"cpu": firsts[0][0], "wall": f"{firsts[0][1]:.1f}"},
            "changed filter": {
                "cpu": median(cpu for cpu, _ in changed),
                "wall": f"{median(walls):.1f} (p95 {walls[int(0.95 * VIEWS) - 1]:.1f})",
            },
            "peak_mib": peak / 1024 if sys.platform == "linux" else peak / 2**20,
        },
        sys.stdout,
    )
    answers.close()


if __name__ == "__main__":
    assert Path("benchmarks").is_dir(), "run it in the checkout"
    main()
